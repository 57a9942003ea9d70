/** What the reply subject of a delivery says: `$JS.ACK.<stream>.<durable>.<count>.<stream seq>.<consumer seq>.<time>.<pending>`. */
export interface AckReply {
  /** How often it was delivered, from 1. */
  readonly deliveries: number;
  readonly streamSequence: number;
  /** One more for each delivery of the consumer; a gap is a delivery that went elsewhere. */
  readonly consumerSequence: number;
  /** When it was stored, in nanoseconds; exact enough to tell two messages of one sequence apart. */
  readonly storedNanos: number;
  /** Messages the consumer has not delivered yet. */
  readonly pending: number;
}

const PLAIN_TOKENS = 9;
/** With domain and account hash before the stream. */
const DOMAIN_TOKENS = 2;

/** Undefined for what is no delivery of JetStream. */
export function readAckReply(reply: string | undefined): AckReply | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const at = tokens.length > PLAIN_TOKENS ? 4 + DOMAIN_TOKENS : 4;
  const streamSequence = Number(tokens[at + 1]);
  if (!(streamSequence > 0)) return undefined;
  return {
    deliveries: Number(tokens[at]),
    streamSequence,
    consumerSequence: Number(tokens[at + 2]),
    storedNanos: Number(tokens[at + 3]),
    pending: Number(tokens[at + 4]),
  };
}

/** What acknowledges a sequence that never came to us; the server looks at the sequences only. */
export function ackSubject(stream: string, durable: string, streamSequence: number, consumerSequence: number): string {
  return `$JS.ACK.${stream}.${durable}.1.${streamSequence}.${consumerSequence}.0.0`;
}
