import type { PinnedConsumerInfo } from './durable.js';
import type { InHand } from './in-hand.js';

/** Asking sequence by sequence costs about 5 µs each; beyond that, waiting is cheaper. */
const LONGEST_SPAN = 200_000;
const PROBE_MS = 100;
/** How long what the server says it sent may be on its way. */
const ON_THE_WAY_MS = 200;

/** What a take-over asks of its consumer. */
export interface TakeOverPort {
  readonly inHand: InHand;
  readonly ackWaitMs: number;
  /** The consumer sequence of the last delivery that came. */
  readonly lastSequence: number;
  isActive(): boolean;
  now(): number;
  pause(ms: number): Promise<void>;
  info(): Promise<PinnedConsumerInfo>;
  /** Whether all that is unsettled was delivered to us alone. */
  isOnlyOurs(info: PinnedConsumerInfo): boolean;
  /** Whether somebody else, alive, takes part: what they hold is theirs. */
  hasRivals(info: PinnedConsumerInfo): boolean;
  /** Pulls without waiting; resolves when the server has nothing more for it. Whether what came was delivered before. */
  pull(messages: number): Promise<'redelivered' | 'new' | 'nothing'>;
  /** Nothing up to what the info says is missing any more. */
  caughtUp(info: PinnedConsumerInfo): void;
  reply(kind: 'ack' | 'nak', streamSequence: number, consumerSequence: number): void;
  /** Resolves when the server has worked off every reply sent before. */
  repliesTaken(streamSequence: number, consumerSequence: number): Promise<void>;
}

/** How it ended: what somebody else, alive, still holds is left to them. */
export interface TakeOverReport {
  readonly redelivered: number;
  readonly leftToOthers: number;
}

/**
 * Brings in hand what the server holds as delivered and unsettled before anything newer may run: after a start, when ownership is gained,
 * at a gap in the consumer sequence and after a reconnect. What is only ours is asked for again at once (NAK by sequence); what a
 * predecessor may still work on is waited for, for one ack wait: what it does not extend comes by then. Redeliveries come in any order; the caller sorts.
 */
export async function takeOver(port: TakeOverPort): Promise<TakeOverReport> {
  const dueBy = port.now() + port.ackWaitMs + 1_000;
  const before = port.inHand.size;
  let probe = 1;

  for (let asked = 0; port.isActive(); asked++) {
    const info = await settledOnWire(port);
    const missing = missingOf(port, info);
    if (!port.isActive()) break;
    const isLeft = port.now() > dueBy || port.hasRivals(info);
    if (missing <= 0 || isLeft) port.caughtUp(info);
    if (missing <= 0) break;
    if (isLeft) return { redelivered: port.inHand.size - before, leftToOthers: missing };

    await askAgain(port, info);
    const brought = await port.pull(port.isOnlyOurs(info) ? missing : Math.min(probe, missing));
    probe = brought === 'redelivered' ? missing : 1;
    if (asked > 0 && brought !== 'redelivered') await port.pause(PROBE_MS);
  }
  return { redelivered: port.inHand.size - before, leftToOthers: 0 };
}

/** What the server has, once all it has sent is here: what is on the wire must not be asked for again. */
async function settledOnWire(port: TakeOverPort): Promise<PinnedConsumerInfo> {
  const info = await port.info();
  const until = port.now() + ON_THE_WAY_MS;
  while (port.isActive() && port.lastSequence < info.delivered.consumer_seq && port.now() < until) await port.pause(1);
  return info;
}

function missingOf({ inHand }: TakeOverPort, { num_ack_pending, ack_floor, delivered }: PinnedConsumerInfo): number {
  return num_ack_pending - inHand.countBetween(ack_floor.stream_seq, delivered.stream_seq);
}

/** Acks what was settled here and whose ack was lost; asks for the rest, if it is ours. Both are ignored for what is not pending. */
async function askAgain(port: TakeOverPort, info: PinnedConsumerInfo): Promise<void> {
  const [floor, high, sequence] = [info.ack_floor.stream_seq, info.delivered.stream_seq, info.delivered.consumer_seq];
  const settled = port.inHand.settledBetween(floor, high);
  for (const one of settled) port.reply('ack', one, sequence);
  if (port.isOnlyOurs(info) && high - floor <= LONGEST_SPAN) {
    const done = new Set(settled);
    for (let one = floor + 1; one <= high; one++)
      if (!done.has(one) && !port.inHand.has(one)) port.reply('nak', one, sequence);
  }
  await port.repliesTaken(high, sequence);
}
