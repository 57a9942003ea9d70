import { isUtf8 } from 'node:buffer';
import { asBuffer, hasControl, hasOuterSpace, isWellFormed } from '../envelope/text.js';
import type { HeaderEntry } from '../transport/message.js';

/** Begins the name of a header that stands for an original one: `eb-dead-header-<index>`. */
const PACKED_PREFIX = 'eb-dead-header-';

/** Names the brokers or this library act on: a dead letter must not carry them as they were. */
const RESERVED_PREFIXES = ['nats-', 'eb-dead-'] as const;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * The original headers of a dead letter. One that every broker keeps as it is, stays as it is. One that is not (an illegal or reserved name, control
 * characters, spaces at the ends, bytes that are not UTF-8) is packed in its place: `eb-dead-header-<index>` with the base64 of its name,
 * a dot, and the base64 of its value.
 */
export function packHeaders(headers: readonly HeaderEntry[]): HeaderEntry[] {
  return headers.map((entry, index) => (isSafe(entry) ? entry : packed(entry, index)));
}

/** The headers that `packHeaders` was given. */
export function unpackHeaders(headers: readonly HeaderEntry[]): HeaderEntry[] {
  return headers.map((entry) => (isPacked(entry) ? unpacked(entry) : entry));
}

/** Whether it stands for an original header. */
export function isPacked([name]: HeaderEntry): boolean {
  return name.startsWith(PACKED_PREFIX);
}

function isSafe([name, value]: HeaderEntry): boolean {
  const lower = name.toLowerCase();
  if (!TOKEN.test(name) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix))) return false;
  if (typeof value !== 'string' && !isUtf8(value)) return false;
  const text = typeof value === 'string' ? value : asBuffer(value).toString('utf8');
  return !hasControl(text) && !hasOuterSpace(text) && isWellFormed(text);
}

function packed([name, value]: HeaderEntry, index: number): HeaderEntry {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : asBuffer(value);
  return [`${PACKED_PREFIX}${index}`, `${Buffer.from(name, 'utf8').toString('base64')}.${bytes.toString('base64')}`];
}

function unpacked([, value]: HeaderEntry): HeaderEntry {
  const text = typeof value === 'string' ? value : asBuffer(value).toString('latin1');
  const [name = '', bytes = ''] = text.split('.');
  const original = Buffer.from(bytes, 'base64');
  return [Buffer.from(name, 'base64').toString('utf8'), isUtf8(original) ? original.toString('utf8') : original];
}
