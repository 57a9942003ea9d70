import { isUtf8 } from 'node:buffer';

const PERCENT = 0x25;
const QUOTE = 0x22;

/** What the CloudEvents binding has encoded in a header value: everything but printable ASCII, and space, quote and percent. */
export function percentEncode(value: string): string {
  for (let i = 0; i < value.length; i++) if (needsEncoding(value.charCodeAt(i))) return encodeBytes(value);
  return value;
}

function needsEncoding(code: number): boolean {
  return code <= 0x20 || code > 0x7e || code === PERCENT || code === QUOTE;
}

function encodeBytes(value: string): string {
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    encoded += needsEncoding(byte) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : String.fromCharCode(byte);
  }
  return encoded;
}

/**
 * The other way, one round. Quoted strings are unquoted first, as the binding asks; a `%` that begins no escape stands for itself,
 * because producers that do not encode at all are many.
 * @returns undefined when the escapes are not UTF-8, which the binding says is to be refused
 */
export function percentDecode(value: string): string | undefined {
  const plain = value.charCodeAt(0) === QUOTE ? unquote(value) : value;
  if (!plain.includes('%')) return plain;
  let isValid = true;
  const decoded = plain.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex');
    isValid &&= isUtf8(bytes);
    return bytes.toString('utf8');
  });
  return isValid ? decoded : undefined;
}

function unquote(value: string): string {
  if (value.length < 2 || !value.endsWith('"')) return value;
  return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}
