import type { NatsConnection } from '@nats-io/transport-node';
import { ackSubject } from './ack-reply.js';
import type { NatsConsumer } from './consumer.js';
import type { PinnedConsumerInfo } from './durable.js';
import type { TakeOverPort } from './take-over.js';

const REPLIES = {
  ack: new Uint8Array(Buffer.from('+ACK')),
  nak: new Uint8Array(Buffer.from('-NAK')),
  working: new Uint8Array(Buffer.from('+WPI')),
} as const;

const ANSWER_MS = 2_000;

/** Tells the server about one delivery; nothing without a connection. */
export function sendReply(connection: NatsConnection | undefined, subject: string, kind: keyof typeof REPLIES): void {
  if (connection !== undefined && !connection.isClosed()) connection.publish(subject, REPLIES[kind]);
}

/** A consumer as its take-over sees it; void as soon as the consumer's epoch is another one. */
export function takeOverPort(consumer: NatsConsumer, epoch: number): TakeOverPort {
  const { plan, context, inHand, loop } = consumer;
  const isActive = (): boolean => consumer.epoch === epoch && consumer.phase === 'taking-over';
  const subject = (stream: number, sequence: number): string => ackSubject(plan.stream, plan.durable, stream, sequence);

  return {
    inHand,
    ackWaitMs: context.options.ackWaitMs,
    get lastSequence() {
      return consumer.lastSequence;
    },
    isActive,
    now: context.now,
    pause: (ms) => context.pause.ms(ms),
    isOnlyOurs: (info) => consumer.ownership.isOnlyOurs(info),
    caughtUp: (info) => consumer.caughtUp(info),
    info: async () => {
      const info: PinnedConsumerInfo = await context.api.once((manager) =>
        manager.consumers.info(plan.stream, plan.durable),
      );
      if (isActive() && consumer.ownership.isForeign(info)) consumer.lose();
      return info;
    },
    pull: async (messages) => {
      const before = consumer.counts.redelivered;
      const arrivedBefore = consumer.counts.arrived;
      await new Promise<void>((ended) =>
        loop.pull({ messages, wait: false, identity: consumer.ownership.identity, ended }),
      );
      if (consumer.counts.arrived === arrivedBefore) return 'nothing';
      return consumer.counts.redelivered > before ? 'redelivered' : 'new';
    },
    reply: (kind, stream, sequence) => sendReply(consumer.connection, subject(stream, sequence), kind),
    repliesTaken: async (stream, sequence) => {
      await consumer.connection?.request(subject(stream, sequence), REPLIES.working, { timeout: ANSWER_MS });
    },
  };
}
