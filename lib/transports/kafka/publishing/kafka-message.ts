import type { OutgoingMessage } from '../../../transport/message.js';
import type { ProducerMessage } from '../driver/driver.js';

/** What a record costs beside key, value and headers, in bytes; a little more than the protocol needs. */
const RECORD_OVERHEAD_BYTES = 70;

/** The message as the client takes it, and its size on the wire. An empty key counts as none. */
export function asProducerMessage({ key, body, headers }: OutgoingMessage): {
  message: ProducerMessage;
  sizeBytes: number;
} {
  const value = body === null ? null : bytesOf(body);
  const keyBytes = key === undefined || key === '' ? null : Buffer.from(key, 'utf8');
  let sizeBytes = RECORD_OVERHEAD_BYTES + (value?.length ?? 0) + (keyBytes?.length ?? 0);
  const named: Record<string, Buffer | (Buffer | string)[]> = Object.create(null);
  for (const [name, text] of headers) {
    const bytes = bytesOf(text);
    sizeBytes += bytes.length + Buffer.byteLength(name) + 4;
    const before = named[name];
    named[name] = before === undefined ? bytes : Array.isArray(before) ? [...before, bytes] : [before, bytes];
  }
  return { message: { key: keyBytes, value, headers: named }, sizeBytes };
}

function bytesOf(value: string | Uint8Array): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
