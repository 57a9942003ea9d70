import type { Kafka } from 'kafkajs';
import { onEachConnection } from './connections.js';

const TIMED_OUT = 'KafkaJSRequestTimeoutError';

/**
 * kafkajs 2.2.4 keeps a connection on which a request has timed out, and tries again on it: one that is dead without a word, behind a
 * firewall or a lost machine, then costs `requestTimeoutMs` for each of its tries. With this such a connection is ended, and the next try
 * takes a new one. Only instances made through this client are changed, never kafkajs itself.
 * @returns false when this kafkajs is built differently; it then works as it comes
 */
export function endSilentConnections(kafka: Kafka): boolean {
  return onEachConnection(kafka, (connection) => {
    const send = connection.send.bind(connection);
    connection.send = async (call) => {
      const { socket } = connection;
      try {
        return await send(call);
      } catch (error) {
        if (error instanceof Error && error.name === TIMED_OUT) socket?.destroy(error);
        throw error;
      }
    };
  });
}
