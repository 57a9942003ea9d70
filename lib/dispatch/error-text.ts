import { escapeText } from './header-text.js';

/** Longest error message that is kept, in bytes as written. */
const MOST_MESSAGE_BYTES = 1_024;

/** Longest stack that is kept, in bytes as written. */
const MOST_STACK_BYTES = 4_096;

/** Longest class name or code, in bytes as written. */
const MOST_NAME_BYTES = 256;

/** What is kept of an error: bounded, and safe as header values. */
export interface ErrorText {
  readonly class: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Never throws, even when the error's own properties do. */
export function describeError(error: Error): ErrorText {
  const name = textOf(() => error.constructor.name) ?? textOf(() => error.name) ?? 'Error';
  return {
    class: escapeText(name, MOST_NAME_BYTES),
    code: bounded(() => codeOf(error), MOST_NAME_BYTES),
    message: bounded(() => error.message, MOST_MESSAGE_BYTES) ?? '',
    stack: bounded(() => error.stack, MOST_STACK_BYTES),
  };
}

function bounded(read: () => unknown, maxBytes: number): string | undefined {
  const text = textOf(read);
  return text === undefined ? undefined : escapeText(text, maxBytes);
}

function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(error: Error): unknown {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? String(code) : code;
}
