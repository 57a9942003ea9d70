import {
  type HeaderEntry,
  type HeaderVisitor,
  type ReceivedHeaders,
  REPLACED,
  textOrBytes,
} from '../../transport/message.js';

const LINE_END = '\r\n';
const SPACE = 0x20;
const NOT_ASCII = /[\u0080-\u00FF]/;

/** Lines whose names are remembered. */
const MOST_NAMES = 64;

/**
 * Line → the name it had last. Messages of one writer have the same names in the same order: a name that is there again is not cut out
 * of the text, and has been hashed already.
 */
const lastNames: string[] = [];

/** A message's header block, looked at only as far as it is asked for. Names compare exactly, as the server compares them. */
export class NatsHeaders implements ReceivedHeaders {
  #text: string | undefined;

  /** @param block from `NATS/1.0` to the empty line, a character for each byte; empty when there is none */
  constructor(private readonly block: string) {}

  get(name: string): string | undefined {
    const text = this.#decoded();
    const at = text.indexOf(`${LINE_END}${name}:`);
    if (at < 0) return undefined;
    const from = at + LINE_END.length + name.length + 1;
    const to = text.indexOf(LINE_END, from);
    return valueIn(text, from, to < 0 ? text.length : to);
  }

  entries(): readonly HeaderEntry[] {
    const entries: HeaderEntry[] = [];
    this.forEach((name, value) => void entries.push([name, value]));
    return entries;
  }

  forEach(visit: HeaderVisitor): void {
    const text = this.#decoded();
    if (text === this.block || !text.includes(REPLACED)) visitLines(text, visit);
    else visitLines(this.block, (name, value) => visit(name, textOrBytes(Buffer.from(value, 'latin1'))));
  }

  #decoded(): string {
    this.#text ??= NOT_ASCII.test(this.block) ? Buffer.from(this.block, 'latin1').toString('utf8') : this.block;
    return this.#text;
  }
}

/** Line after line behind the first; what has no colon is no header. */
function visitLines(text: string, visit: (name: string, value: string) => void): void {
  let line = 0;
  for (let end = text.indexOf(LINE_END); end >= 0; line += 1) {
    const from = end + LINE_END.length;
    end = text.indexOf(LINE_END, from);
    const to = end < 0 ? text.length : end;
    const colon = text.indexOf(':', from);
    if (colon >= 0 && colon < to) visit(nameIn(text, from, colon, line), valueIn(text, colon + 1, to));
  }
}

function nameIn(text: string, from: number, to: number, line: number): string {
  const last = lastNames[line];
  if (last !== undefined && last.length === to - from && text.startsWith(last, from)) return last;
  const name = text.slice(from, to);
  if (line < MOST_NAMES) lastNames[line] = name;
  return name;
}

/** Without the white space around it, of which most values have one space in front. */
function valueIn(text: string, from: number, to: number): string {
  const begin = text.charCodeAt(from) === SPACE ? from + 1 : from;
  const isBare = begin < to && isVisible(text.charCodeAt(begin)) && isVisible(text.charCodeAt(to - 1));
  return isBare ? text.slice(begin, to) : text.slice(from, to).trim();
}

/** Whether it is no white space for certain. */
function isVisible(code: number): boolean {
  return code > SPACE && code < 0x7f;
}
