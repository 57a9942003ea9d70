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

const PREFIX = '$JS.ACK.';
/** Dots of a reply without domain. */
const PLAIN_DOTS = 8;
/** Tokens before the first number: stream and durable; with domain and account hash before them two more. */
const NAMES = { plain: 2, withDomain: 4 } as const;
const DOT = 0x2e;
const ZERO = 0x30;

/** Undefined for what is no delivery of JetStream. */
export function readAckReply(reply: string | undefined): AckReply | undefined {
  if (reply === undefined || !reply.startsWith(PREFIX)) return undefined;
  const numbers = new Numbers(reply, dotsIn(reply) > PLAIN_DOTS ? NAMES.withDomain : NAMES.plain);
  const deliveries = numbers.next();
  const streamSequence = numbers.next();
  if (!(streamSequence > 0)) return undefined;
  const consumerSequence = numbers.next();
  const storedNanos = numbers.next();
  return { deliveries, streamSequence, consumerSequence, storedNanos, pending: numbers.next() };
}

function dotsIn(text: string): number {
  let dots = 0;
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1)) dots += 1;
  return dots;
}

/** Reads one number after another between the dots: for each message, so without cutting the text up. */
class Numbers {
  #at = PREFIX.length;

  /** @param skipped tokens that are no numbers */
  constructor(
    private readonly text: string,
    skipped: number,
  ) {
    for (let i = 0; i < skipped; i++) this.#at = this.text.indexOf('.', this.#at) + 1;
  }

  /** NaN for what has something else than digits, or nothing. */
  next(): number {
    const { text } = this;
    let value = text.charCodeAt(this.#at) === DOT ? Number.NaN : 0;
    let at = this.#at;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit === DOT - ZERO) break;
      value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
    }
    this.#at = at + 1;
    return value;
  }
}

/** What acknowledges a sequence that never came to us; the server looks at the sequences only. */
export function ackSubject(stream: string, durable: string, streamSequence: number, consumerSequence: number): string {
  return `$JS.ACK.${stream}.${durable}.1.${streamSequence}.${consumerSequence}.0.0`;
}
