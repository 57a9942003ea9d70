import { isAscii } from 'node:buffer';
import type { HeaderEntry, ReceivedHeaders } from '../../transport/message.js';

const LINE_END = '\r\n';
const REPLACED = '\uFFFD';
const SPACE = 0x20;

/** A message's header block, looked at only as far as it is asked for. Names compare exactly, as the server compares them. */
export class NatsHeaders implements ReceivedHeaders {
  #text: string | undefined;

  /** @param block from `NATS/1.0` to the empty line; empty when there is none */
  constructor(private readonly block: Buffer) {}

  get(name: string): string | undefined {
    const text = this.#decoded();
    const at = text.indexOf(`${LINE_END}${name}:`);
    if (at < 0) return undefined;
    const from = at + LINE_END.length + name.length + 1;
    const to = text.indexOf(LINE_END, from);
    return valueIn(text, from, to < 0 ? text.length : to);
  }

  entries(): readonly HeaderEntry[] {
    if (this.block.length === 0) return [];
    const text = this.#decoded();
    if (!text.includes(REPLACED)) return entriesOf(text);
    return entriesOf(this.block.toString('latin1')).map(([name, value]) => [name, textOrBytes(value)]);
  }

  #decoded(): string {
    this.#text ??= this.block.toString(isAscii(this.block) ? 'latin1' : 'utf8');
    return this.#text;
  }
}

/** Line after line behind the first; what has no colon is no header. */
function entriesOf(text: string): (readonly [string, string])[] {
  const entries: (readonly [string, string])[] = [];
  for (let end = text.indexOf(LINE_END); end >= 0;) {
    const from = end + LINE_END.length;
    end = text.indexOf(LINE_END, from);
    const to = end < 0 ? text.length : end;
    const colon = text.indexOf(':', from);
    if (colon >= 0 && colon < to) entries.push([text.slice(from, colon), valueIn(text, colon + 1, to)]);
  }
  return entries;
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

/** Bytes that are no UTF-8 stay bytes. */
function textOrBytes(latin1: string): string | Uint8Array {
  const bytes = Buffer.from(latin1, 'latin1');
  const text = bytes.toString('utf8');
  return text.includes(REPLACED) ? bytes : text;
}
