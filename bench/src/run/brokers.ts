import { obtainKafka, obtainNats, startKafka, startNats } from '../../../tools/brokers/index.js';
import type { Servers } from '../measure/configuration.js';

/** The broker of a suite. */
export interface Broker {
  readonly servers: Servers;
  /** For the report: `nats-server 2.12.8`. */
  readonly name: string;
  release(): Promise<void>;
}

export const NO_BROKER: Broker = {
  servers: { nats: undefined, kafka: undefined, brokerPid: undefined },
  name: 'no broker',
  release: () => Promise.resolve(),
};

/** As the tests do: the one that is named, else a process of our own, whose CPU can be told; else Docker's. */
export async function natsBroker(env: NodeJS.ProcessEnv = process.env): Promise<Broker> {
  if (!env['EVENTBUS_TEST_NATS']) {
    try {
      const server = await startNats();
      return {
        servers: { nats: server.url, kafka: undefined, brokerPid: server.pid },
        name: `nats-server ${server.version}`,
        release: () => server.remove(),
      };
    } catch (error) {
      console.error(`No nats-server of our own (${String(error)}); asking Docker.`);
    }
  }
  const { url, version, release } = await obtainNats();
  return { servers: { nats: url, kafka: undefined, brokerPid: undefined }, name: `nats-server ${version}`, release };
}

/** The same for Kafka. */
export async function kafkaBroker(env: NodeJS.ProcessEnv = process.env): Promise<Broker> {
  if (!env['EVENTBUS_TEST_KAFKA']) {
    try {
      const server = await startKafka({ tuning: 'load', heap: '1g' });
      return {
        servers: { nats: undefined, kafka: server.brokers, brokerPid: server.pid },
        name: `Kafka ${server.version}`,
        release: () => server.remove(),
      };
    } catch (error) {
      console.error(`No Kafka of our own (${String(error)}); asking Docker.`);
    }
  }
  const { brokers, version, release } = await obtainKafka({ tuning: 'load' });
  return { servers: { nats: undefined, kafka: brokers, brokerPid: undefined }, name: `Kafka ${version}`, release };
}

/** Both, for what stands beside each other on one and the other. The CPU of which is not told. */
export async function bothBrokers(): Promise<Broker> {
  const nats = await natsBroker();
  try {
    const kafka = await kafkaBroker();
    return {
      servers: { nats: nats.servers.nats, kafka: kafka.servers.kafka, brokerPid: undefined },
      name: `${nats.name}, ${kafka.name}`,
      release: async () => {
        await Promise.all([nats.release(), kafka.release()]);
      },
    };
  } catch (error) {
    await nats.release();
    throw error;
  }
}
