import type { NatsConnection } from '@nats-io/transport-node';
import { ackSubject } from './ack-reply.js';
import type { ConsumerState } from './consumer.state.js';
import { PIN_GROUP } from './names.js';
import type { PinnedConsumerInfo } from './durable.js';
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

/** A consumer as its take-over sees it. @param isActive whether what it finds still matters */
export function takeOverPort(state: ConsumerState, loop: PullLoop, isActive: () => boolean): TakeOverPort {
  const { plan, context, inHand, counts, ownership } = state;
  const subject = (stream: number, sequence: number): string => ackSubject(plan.stream, plan.durable, stream, sequence);

  return {
    inHand,
    ackWaitMs: context.options.ackWaitMs,
    maxAckPending: context.options.maxAckPending,
    get lastSequence() {
      return state.lastSequence;
    },
    get fresh() {
      return counts.arrived - counts.redelivered;
    },
    get redelivered() {
      return counts.redelivered;
    },
    isActive,
    now: () => context.now(),
    pause: (ms) => context.pause.ms(ms),
    mayAsk: () => ownership.lease === 'held',
    caughtUp: (info) => {
      state.lastSequence = Math.max(state.lastSequence, info.delivered.consumer_seq);
      state.highestSequence = Math.max(state.highestSequence, info.delivered.stream_seq);
    },
    info: () => unpinnedInfo(state),
    pull: (messages) =>
      new Promise((ended) => loop.pull({ messages, wait: false, identity: ownership.identity, ended })),
    reply: (kind, stream, sequence) => sendReply(state.connection, subject(stream, sequence), kind),
    repliesTaken: (stream, sequence) => repliesTaken(state, stream, sequence),
  };
}

/** Resolves when the server has worked off every reply that was sent before. @throws what the client throws */
export async function repliesTaken(
  { connection, plan }: ConsumerState,
  streamSequence: number,
  consumerSequence: number,
): Promise<void> {
  const subject = ackSubject(plan.stream, plan.durable, streamSequence, consumerSequence);
  await connection?.request(subject, REPLIES.working, { timeout: ANSWER_MS });
}

/** What the server knows of it, once nobody else is pinned: the claim is ours, so that whoever is has lost it. @throws what the client throws */
export async function unpinnedInfo(state: ConsumerState): Promise<PinnedConsumerInfo> {
  const { plan, context, ownership } = state;
  const info = await state.info();
  if (!ownership.isForeign(info) || ownership.lease !== 'held') return info;
  await context.api.once((manager) => manager.consumers.unpin(plan.stream, plan.durable, PIN_GROUP));
  return state.info();
}
