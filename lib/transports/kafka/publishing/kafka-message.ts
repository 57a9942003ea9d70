import type { OutgoingMessage } from '../../../transport/message.js';
import type { ProducerMessage } from '../driver/driver.js';

/** What a record costs beside key, value and headers, in bytes; a little more than the protocol needs. */
const RECORD_OVERHEAD_BYTES = 70;
/** What a header costs beside name and value. */
const HEADER_OVERHEAD_BYTES = 4;

/** The message as the driver takes it, and its size on the wire. An empty key counts as none. */
export function asProducerMessage({ key, body, headers }: OutgoingMessage): {
  message: ProducerMessage;
  sizeBytes: number;
} {
  const keyBytes = key === undefined || key === '' ? null : Buffer.from(key, 'utf8');
  let sizeBytes = RECORD_OVERHEAD_BYTES + (keyBytes?.length ?? 0) + (body === null ? 0 : sizeOf(body));
  for (const entry of headers) sizeBytes += sizeOf(entry[0]) + sizeOf(entry[1]) + HEADER_OVERHEAD_BYTES;
  const value = body instanceof Uint8Array ? bufferOf(body) : body;
  return { message: { key: keyBytes, value, headers }, sizeBytes };
}

function sizeOf(value: string | Uint8Array): number {
  return typeof value === 'string' ? Buffer.byteLength(value, 'utf8') : value.length;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
