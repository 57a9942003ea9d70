import type { PinnedConsumerInfo } from './durable.js';
import type { InHand } from './in-hand.js';
import type { PullEnd } from './pulls.js';

/** Asking sequence by sequence costs about 5 µs each; beyond that, waiting is cheaper. */
const LONGEST_SPAN = 200_000;
const PROBE_MS = 100;
/** How long what the server says it sent may be on its way. */
const ON_THE_WAY_MS = 200;
/** Longer than the ack wait by so much, and the server has asked for everything by itself. */
const DUE_GRACE_MS = 1_000;

/** What a take-over asks of its consumer. */
export interface TakeOverPort {
  readonly inHand: InHand;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  /** The consumer sequence of the last delivery that came. */
  readonly lastSequence: number;
  /** How many came so far that were never delivered before. */
  readonly fresh: number;
  /** How many came so far that were. */
  readonly redelivered: number;
  isActive(): boolean;
  now(): number;
  pause(ms: number): Promise<void>;
  /** What the server knows, with nobody else pinned. */
  info(): Promise<PinnedConsumerInfo>;
  /** Whether all that is unsettled is certainly ours: our claim, our lease. Only then may it be asked for before its ack wait is over. */
  mayAsk(): boolean;
  /** Pulls without waiting; resolves when the server has nothing more for it. */
  pull(messages: number): Promise<PullEnd>;
  /** What was delivered up to there is here or is asked for: what comes from now on follows on it, or there is a gap. */
  caughtUp(info: PinnedConsumerInfo): void;
  reply(kind: 'ack' | 'nak', streamSequence: number, consumerSequence: number): void;
  /** Resolves when the server has worked off every reply sent before. */
  repliesTaken(streamSequence: number, consumerSequence: number): Promise<void>;
}

/** How it ended. */
export interface TakeOverReport {
  readonly redelivered: number;
  /** Sequences between the oldest unsettled one and the newest delivered one, at the begin. */
  readonly span: number;
  readonly form: 'none' | 'asked' | 'waited';
  readonly durationMs: number;
}

/**
 * Brings in hand what the server holds as delivered and unsettled before anything newer may run: when ownership is gained, at a gap in the
 * consumer sequence and after a reconnect. It is asked for again at once (NAK by sequence), for whoever had it is dead or has lost it; the
 * span being too long, or our lease in doubt, it is waited for, for one ack wait. Redeliveries come in any order; the caller sorts.
 *
 * Proof of completeness: the server answers a reply that was sent after the NAKs, so they are worked off; it delivers again before it
 * delivers anything new; so once something new comes, or nothing more, all of it has been delivered - and all of it to us, if all that was
 * delivered meanwhile is here: a connection that we have lost and the server has not still has pulls there, which take their share. The
 * count of what is unsettled proves less: a late ack of the predecessor can balance what is missing.
 */
export async function takeOver(port: TakeOverPort): Promise<TakeOverReport> {
  const [begin, before] = [port.now(), port.inHand.size];
  let report: Pick<TakeOverReport, 'span' | 'form'> = { span: 0, form: 'none' };
  let info = await settledOnWire(port);
  while (port.isActive()) {
    const span = info.delivered.stream_seq - info.ack_floor.stream_seq;
    const form = port.mayAsk() && span <= LONGEST_SPAN ? 'asked' : 'waited';
    port.caughtUp(info);
    if (info.num_ack_pending === 0) break;
    if (report.form === 'none') report = { span, form };
    const isComplete = await isAllDelivered(port, info, { form, begin });
    info = await settledOnWire(port);
    if (isComplete && isAllHere(port, info)) break;
  }
  return { ...report, redelivered: port.inHand.size - before, durationMs: port.now() - begin };
}

/** What the server has, once all it has sent is here, or nothing comes any more: what is on the wire must not be asked for again. */
async function settledOnWire(port: TakeOverPort): Promise<PinnedConsumerInfo> {
  const info = await port.info();
  let [arrived, until] = [port.lastSequence, port.now() + ON_THE_WAY_MS];
  while (port.isActive() && !isAllHere(port, info) && port.now() < until) {
    await port.pause(1);
    if (port.lastSequence !== arrived) [arrived, until] = [port.lastSequence, port.now() + ON_THE_WAY_MS];
  }
  return info;
}

function isAllHere({ lastSequence }: TakeOverPort, { delivered }: PinnedConsumerInfo): boolean {
  return lastSequence >= delivered.consumer_seq;
}

/** One try to get it all: one more than is missing shows that nothing is. */
async function isAllDelivered(
  port: TakeOverPort,
  info: PinnedConsumerInfo,
  { form, begin }: { readonly form: 'asked' | 'waited'; readonly begin: number },
): Promise<boolean> {
  const missing = missingOf(port, info);
  await reply(port, info, form);
  if (!port.isActive()) return false;
  const isFull = info.num_ack_pending >= port.maxAckPending;
  if (isFull && missing === 0) return true; // the server would keep a pull for more waiting
  const { fresh, redelivered } = port;
  const end = await port.pull(isFull ? missing : missing + 1);
  if (end !== 'empty' && port.redelivered === redelivered && port.fresh === fresh) await port.pause(PROBE_MS);
  const isProven = end === 'empty' || port.fresh > fresh;
  if (form === 'asked') return isProven;
  const isDue = port.now() > begin + port.ackWaitMs + DUE_GRACE_MS;
  if (missing === 0 || (isDue && isProven)) return true;
  if (port.redelivered === redelivered) await port.pause(PROBE_MS);
  return false;
}

function missingOf({ inHand }: TakeOverPort, { num_ack_pending, ack_floor, delivered }: PinnedConsumerInfo): number {
  return Math.max(0, num_ack_pending - inHand.countBetween(ack_floor.stream_seq, delivered.stream_seq));
}

/** Acks what was settled here and whose ack was lost; asks for the rest. Both are ignored for what is not pending. */
async function reply(port: TakeOverPort, info: PinnedConsumerInfo, form: 'asked' | 'waited'): Promise<void> {
  const [floor, high, sequence] = [info.ack_floor.stream_seq, info.delivered.stream_seq, info.delivered.consumer_seq];
  const settled = port.inHand.settledBetween(floor, high);
  for (const one of settled) port.reply('ack', one, sequence);
  if (form === 'asked') {
    const done = new Set(settled);
    for (let one = floor + 1; one <= high; one++)
      if (!done.has(one) && !port.inHand.has(one)) port.reply('nak', one, sequence);
  }
  await port.repliesTaken(high, sequence);
}
