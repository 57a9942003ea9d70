import type { NatsConnection } from '@nats-io/transport-node';
import { ackSubject } from './ack-reply.js';
import type { ConsumerState } from './consumer.state.js';
import type { PullLoop } from './pull-loop.js';
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

/** What a take-over has to know and to say beside the state. */
interface TakeOverControl {
  isActive(): boolean;
  foreign(): void;
}

/** A consumer as its take-over sees it. */
export function takeOverPort(state: ConsumerState, loop: PullLoop, control: TakeOverControl): TakeOverPort {
  const { plan, context, inHand, counts, ownership } = state;
  const subject = (stream: number, sequence: number): string => ackSubject(plan.stream, plan.durable, stream, sequence);

  return {
    inHand,
    ackWaitMs: context.options.ackWaitMs,
    get lastSequence() {
      return state.lastSequence;
    },
    isActive: () => control.isActive(),
    now: () => context.now(),
    pause: (ms) => context.pause.ms(ms),
    hasRivals: (info) => ownership.hasRivals(info, loop.pulls.size),
    isOnlyOurs: (info) => ownership.isOnlyOurs(info),
    caughtUp: (info) => {
      state.lastSequence = Math.max(state.lastSequence, info.delivered.consumer_seq);
    },
    info: async () => {
      const info = await state.info();
      if (control.isActive() && ownership.isForeign(info)) control.foreign();
      return info;
    },
    pull: async (messages) => {
      const { arrived, redelivered } = counts;
      await new Promise<void>((ended) => loop.pull({ messages, wait: false, identity: ownership.identity, ended }));
      if (counts.arrived === arrived) return 'nothing';
      return counts.redelivered > redelivered ? 'redelivered' : 'new';
    },
    reply: (kind, stream, sequence) => sendReply(state.connection, subject(stream, sequence), kind),
    repliesTaken: async (stream, sequence) => {
      await state.connection?.request(subject(stream, sequence), REPLIES.working, { timeout: ANSWER_MS });
    },
  };
}
