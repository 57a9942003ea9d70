import { isUtf8 } from 'node:buffer';
import secureJson from 'secure-json-parse';
import { EnvelopeDecodeError } from './envelope.errors.js';
import { exceedsDepth } from './json-depth.js';
import { asBuffer } from './text.js';

/** What some writers put before a text; it is left out. */
const BYTE_ORDER_MARK = 0xfeff;

/** How large and how deep a body may be before it is not even looked at. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
}

/**
 * A body as text.
 * @throws EnvelopeDecodeError when it is too large or not UTF-8
 */
export function textOf(body: Uint8Array, topic: string, limits: BodyLimits): string {
  if (body.length > limits.maxBodyBytes) {
    throw new EnvelopeDecodeError(topic, `its body has ${body.length} bytes, ${limits.maxBodyBytes} are allowed`);
  }
  if (!isUtf8(body)) throw new EnvelopeDecodeError(topic, 'its body is not UTF-8');
  return asBuffer(body).toString(); // UTF-8; to name it costs more than a third more
}

/**
 * A body as JSON: UTF-8, within the limits, without names that poison prototypes (`__proto__`, a `constructor` that has a `prototype`).
 * @throws EnvelopeDecodeError
 */
export function parseJson(body: Uint8Array, topic: string, limits: BodyLimits): unknown {
  const text = textOf(body, topic, limits);
  assertDepth(body, topic, limits);
  try {
    return isHarmless(text) ? (JSON.parse(text) as unknown) : (secureJson.parse(text) as unknown);
  } catch (error) {
    throw new EnvelopeDecodeError(topic, body.length === 0 ? 'its body is empty' : 'its body is not safe JSON', error);
  }
}

/**
 * Whether no name in it can be one of those that poison prototypes, seen without parsing: neither is in it, and without a backslash neither
 * can be written by escapes. The parser that looks for them costs as much again as parsing.
 */
function isHarmless(text: string): boolean {
  return (
    !text.includes('\\') &&
    !text.includes('__proto__') &&
    !text.includes('"constructor"') &&
    text.charCodeAt(0) !== BYTE_ORDER_MARK
  );
}

/** @throws EnvelopeDecodeError when JSON in the body nests too deep to be parsed */
export function assertDepth(body: Uint8Array, topic: string, limits: BodyLimits): void {
  if (exceedsDepth(body, limits.maxJsonDepth)) {
    throw new EnvelopeDecodeError(topic, `its JSON nests deeper than ${limits.maxJsonDepth} levels`);
  }
}
