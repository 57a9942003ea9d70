/** With the `u` flag only lone surrogates are such. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether a string has no lone surrogate, and so survives UTF-8. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** Whether a character code is a control character: C0 or DEL. */
export function isControl(code: number): boolean {
  return code < 0x20 || code === 0x7f;
}

/** Whether a string has a control character. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isControl(text.charCodeAt(i))) return true;
  return false;
}

/** Whether every character is printable ASCII, space included. */
export function isPrintableAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/** Whether brokers would strip something from its ends: they trim header values. */
export function hasOuterSpace(text: string): boolean {
  return text.length !== text.trim().length;
}

/** The same bytes as a Buffer, without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
