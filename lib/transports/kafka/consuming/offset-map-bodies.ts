/** A map's body, and how many done offsets it says. */
export interface PackedBody {
  readonly body: Uint8Array;
  readonly done: number;
}

const PER_BYTE = 128;
/** Offsets are below 2^53: a longer number is damage. */
const LONGEST_NUMBER = 8;

/** Lengths of runs as varints, as many as fit. */
export function packRuns(runs: readonly number[], mostBytes: number): PackedBody {
  const bytes: number[] = [];
  let kept = 0;
  let done = 0;
  for (const [index, run] of runs.entries()) {
    const before = bytes.length;
    pushNumber(bytes, run);
    if (bytes.length > mostBytes) {
      bytes.length = before;
      break;
    }
    if (index % 2 === 0) continue;
    kept = bytes.length;
    done += run;
  }
  return { body: Uint8Array.from(bytes.slice(0, kept)), done };
}

/** @returns undefined when this is damaged */
export function unpackRuns(body: Uint8Array): readonly number[] | undefined {
  const runs: number[] = [];
  let value = 0;
  let scale = 1;
  let length = 0;
  for (const byte of body) {
    value += (byte % PER_BYTE) * scale;
    scale *= PER_BYTE;
    length += 1;
    if (length > LONGEST_NUMBER) return undefined;
    if (byte >= PER_BYTE) continue;
    runs.push(value);
    [value, scale, length] = [0, 1, 0];
  }
  return length === 0 ? runs : undefined;
}

/** How many bytes the runs take with one bit an offset. */
export function fewestBits(runs: readonly number[]): number {
  let offsets = 0;
  for (const run of runs) offsets += run;
  return Math.ceil(offsets / 8);
}

/** One bit an offset, 1 for done, as many as fit. */
export function packBits(runs: readonly number[], mostBytes: number): PackedBody {
  const body = new Uint8Array(Math.max(0, Math.min(fewestBits(runs), mostBytes)));
  const room = body.length * 8;
  let at = 0;
  let done = 0;
  for (const [index, run] of runs.entries()) {
    const end = Math.min(at + run, room);
    if (index % 2 === 1) {
      for (let bit = at; bit < end; bit += 1) body[bit >> 3] = (body[bit >> 3] ?? 0) | (1 << (bit & 7));
      done += Math.max(0, end - at);
    }
    at += run;
    if (at >= room) break;
  }
  return { body, done };
}

/** @returns lengths of runs, not done and done by turns */
export function unpackBits(body: Uint8Array): readonly number[] {
  const runs: number[] = [0];
  let isDone = false;
  for (const byte of body) {
    for (let bit = 0; bit < 8; bit += 1) {
      if ((((byte >> bit) & 1) === 1) !== isDone) {
        runs.push(0);
        isDone = !isDone;
      }
      runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
    }
  }
  return runs;
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= PER_BYTE) {
    bytes.push((rest % PER_BYTE) + PER_BYTE);
    rest = Math.floor(rest / PER_BYTE);
  }
  bytes.push(rest);
}
