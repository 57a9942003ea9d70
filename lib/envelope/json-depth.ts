const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;

/**
 * Whether JSON text nests deeper than `max` arrays and objects, without parsing it: one pass over the bytes, no recursion.
 * Text that is not JSON gets an answer too, which is then of no importance.
 */
export function exceedsDepth(bytes: Uint8Array, max: number): boolean {
  if (bytes.length <= 2 * max || !hasMoreOpenings(bytes, max)) return false;
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (isInString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else depth += step(byte);
    if (depth > max) return true;
  }
  return false;
}

/** Bit 5 is all that tells `[` from `{` and `]` from `}`. */
function step(byte: number): number {
  const folded = byte | 0x20;
  if (folded === OPEN_BRACE) return 1;
  return folded === OPEN_BRACE + 2 ? -1 : 0;
}

/** The cheap upper bound of the depth: how many `[` and `{` there are, in strings or not. */
function hasMoreOpenings(bytes: Uint8Array, max: number): boolean {
  let openings = 0;
  for (let i = 0; i < bytes.length; i++) if ((bytes[i]! | 0x20) === OPEN_BRACE) openings++;
  return openings > max;
}
