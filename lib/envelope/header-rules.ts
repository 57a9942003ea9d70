import { CONTENT_TYPE } from './attributes.js';
import { InvalidHeaderError } from './envelope.errors.js';
import { hasOuterSpace, isWellFormed } from './text.js';

/** Headers an event may have of its own. */
export const MAX_HEADERS = 256;
/** Characters they may have in all, names and values. */
export const MAX_HEADER_CHARACTERS = 65_536;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const RESERVED_PREFIXES = ['ce-', 'ce_', 'nats-'] as const;

/**
 * An application's header name: an RFC 7230 token that is neither the codec's nor the broker's.
 * @throws InvalidHeaderError
 */
export function assertHeaderName(name: string): void {
  if (!TOKEN.test(name)) throw new InvalidHeaderError(name, 'its name must be a token of RFC 7230');
  const lower = name.toLowerCase();
  const prefix = RESERVED_PREFIXES.find((reserved) => lower.startsWith(reserved));
  if (prefix !== undefined) throw new InvalidHeaderError(name, `names beginning with "${prefix}" are reserved`);
  if (lower === CONTENT_TYPE) throw new InvalidHeaderError(name, 'the content type is an option of its own');
}

/**
 * An application's header value: text that every broker delivers as it is.
 * @throws InvalidHeaderError
 */
export function assertHeaderValue(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string')
    throw new InvalidHeaderError(name, `its value must be a string, it is ${kindOf(value)}`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x0d || code === 0x0a || code === 0) throw new InvalidHeaderError(name, 'its value has CR, LF or NUL');
  }
  if (hasOuterSpace(value)) throw new InvalidHeaderError(name, 'its value begins or ends with white space');
  if (!isWellFormed(value)) throw new InvalidHeaderError(name, 'its value has a lone surrogate');
}

/** @throws InvalidHeaderError when there are too many of them, or too long ones */
export function assertHeaderTotals(count: number, characters: number): void {
  if (count > MAX_HEADERS) throw new InvalidHeaderError('*', `there are ${count} of them, ${MAX_HEADERS} are allowed`);
  if (characters > MAX_HEADER_CHARACTERS) {
    throw new InvalidHeaderError('*', `they have ${characters} characters, ${MAX_HEADER_CHARACTERS} are allowed`);
  }
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
