import { createHash } from 'node:crypto';
import type { OutgoingMessage } from '../../transport/message.js';
import type { HeaderWriter } from './headers.outgoing.js';

/** Names of the headers of a part. Must never change: dead letters are read long after they were written. */
export const PART_HEADERS = {
  /** `2/5`, from 1. */
  part: 'Eventbus-Part',
  /** Id of the dead letter it is a part of. */
  of: 'Eventbus-Part-Of',
  /** Bytes of the whole: header block and body. */
  size: 'Eventbus-Part-Size',
  /** How many of these are the header block. */
  headerBytes: 'Eventbus-Part-Header-Bytes',
  /** SHA-256 of the whole, in hex. */
  sha256: 'Eventbus-Part-Sha256',
} as const;

/** Room for the headers of a part itself. */
const PART_HEADER_ROOM = 2_048;

/** One message on the wire. */
export interface WireMessage {
  readonly headers: string | Uint8Array;
  readonly body: string | Uint8Array;
}

/**
 * A dead letter that is larger than the server takes, in parts it does take: header block and body are cut as one run of bytes, so that
 * neither has to fit. Each part has an id of its own (`<id>:part-2`).
 */
export function deadParts(
  message: OutgoingMessage,
  body: string | Uint8Array,
  { maxBytes, writer }: { readonly maxBytes: number; readonly writer: HeaderWriter },
): WireMessage[] {
  const block = bytesOf(writer.write(message));
  const whole = Buffer.concat([block, bytesOf(body)]);
  const room = Math.max(1, maxBytes - PART_HEADER_ROOM - 2 * Buffer.byteLength(message.id));
  const count = Math.ceil(whole.length / room);
  const sha256 = createHash('sha256').update(whole).digest('hex');

  return Array.from({ length: count }, (_, index) => ({
    headers: writer.block('Nats-Msg-Id', `${message.id}:part-${index + 1}`, [
      [PART_HEADERS.part, `${index + 1}/${count}`],
      [PART_HEADERS.of, message.id],
      [PART_HEADERS.size, String(whole.length)],
      [PART_HEADERS.headerBytes, String(block.length)],
      [PART_HEADERS.sha256, sha256],
    ]),
    body: whole.subarray(index * room, (index + 1) * room),
  }));
}

function bytesOf(part: string | Uint8Array): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
}
