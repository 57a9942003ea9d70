const PERCENT = '%';

/**
 * Text as a header value that every broker keeps as it is: printable ASCII, of which `%` and spaces at the ends are escaped, as
 * all else is, `%0A` for a line feed.
 * @param maxBytes where it is cut, never within a character
 */
export function escapeText(text: string, maxBytes = Number.POSITIVE_INFINITY): string {
  const last = text.length - 1;
  let escaped = '';
  let at = 0;
  for (const character of text) {
    const isOuterSpace = character === ' ' && (at === 0 || at === last);
    const written = isOuterSpace || !isPlain(character) ? escape(character) : character;
    if (escaped.length + written.length > maxBytes) return escaped.trimEnd();
    escaped += written;
    at += character.length;
  }
  return escaped;
}

/** The text that `escapeText` was given. What is no escape stands for itself. */
export function unescapeText(value: string): string {
  return value.replaceAll(/(?:%[0-9A-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll(PERCENT, ''), 'hex').toString('utf8'),
  );
}

function isPlain(character: string): boolean {
  const code = character.charCodeAt(0);
  return code >= 0x20 && code <= 0x7e && character !== PERCENT;
}

function escape(character: string): string {
  let escaped = '';
  for (const byte of Buffer.from(character, 'utf8')) {
    escaped += PERCENT + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return escaped;
}
