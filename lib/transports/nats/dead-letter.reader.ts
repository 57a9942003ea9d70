import { createHash } from 'node:crypto';
import { EventBusError } from '../../core/errors.js';
import type { HeaderEntry } from '../../transport/message.js';
import { PART_HEADERS } from './dead-parts.js';
import { NatsHeaders } from './headers.received.js';

/** One stored message of a dead letter; any client's headers do, by their exact names. */
export interface DeadLetterPart {
  readonly headers: { get(name: string): string | undefined };
  readonly body: Uint8Array;
}

/** A dead letter as it was published. */
export interface WholeDeadLetter {
  readonly id: string;
  readonly headers: readonly HeaderEntry[];
  /** The raw bytes the handler could not handle. */
  readonly body: Uint8Array;
}

/** Parts that do not make up what was published. */
export class DeadLetterPartsError extends EventBusError {
  constructor(id: string, why: string) {
    super('EVENT_BUS_DECODE_FAILED', `The parts of dead letter "${id}" are not whole: ${why}.`);
  }
}

/** Which part a message is, from 1; undefined when it is not one. */
export function partNumber(
  headers: DeadLetterPart['headers'],
): { number: number; count: number; of: string } | undefined {
  const [number, count] = (headers.get(PART_HEADERS.part) ?? '').split('/', 2).map(Number);
  const of = headers.get(PART_HEADERS.of);
  return number !== undefined && count !== undefined && number >= 1 && number <= count && of !== undefined
    ? { number, count, of }
    : undefined;
}

/**
 * Puts a dead letter together that was too large for one message, and checks it. Parts may come in any order, and twice.
 * @throws DeadLetterPartsError
 */
export function readDeadLetter(parts: readonly DeadLetterPart[]): WholeDeadLetter {
  const [first] = parts;
  const facts = first === undefined ? undefined : partNumber(first.headers);
  if (first === undefined || facts === undefined) throw new DeadLetterPartsError('', 'there is no part');
  const { of: id, count } = facts;

  const bodies = new Map<number, Uint8Array>();
  for (const part of parts) {
    const one = partNumber(part.headers);
    if (one?.of === id) bodies.set(one.number, part.body);
  }
  if (bodies.size !== count) throw new DeadLetterPartsError(id, `${bodies.size} of ${count} parts are here`);

  const whole = Buffer.concat(Array.from({ length: count }, (_, index) => bodies.get(index + 1) ?? Buffer.alloc(0)));
  const sha256 = createHash('sha256').update(whole).digest('hex');
  if (sha256 !== first.headers.get(PART_HEADERS.sha256)) throw new DeadLetterPartsError(id, 'the checksum differs');
  const headerBytes = Number(first.headers.get(PART_HEADERS.headerBytes));
  const headers = new NatsHeaders(whole.toString('latin1', 0, headerBytes)).entries();
  return { id, headers, body: whole.subarray(headerBytes) };
}
