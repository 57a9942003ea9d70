import type { HeaderEntry, ReceivedHeaders } from '../../transport/message.js';

const LINE_END = '\r\n';
const REPLACED = '\uFFFD';

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
    return text.slice(from, to < 0 ? undefined : to).trim();
  }

  entries(): readonly HeaderEntry[] {
    if (this.block.length === 0) return [];
    const isText = !this.#decoded().includes(REPLACED);
    const lines = (isText ? this.#decoded() : this.block.toString('latin1')).split(LINE_END).slice(1);
    return lines.flatMap((line): HeaderEntry[] => {
      const colon = line.indexOf(':');
      if (colon < 0) return [];
      const value = line.slice(colon + 1).trim();
      return [[line.slice(0, colon), isText ? value : textOrBytes(value)]];
    });
  }

  #decoded(): string {
    this.#text ??= this.block.toString('utf8');
    return this.#text;
  }
}

/** Bytes that are no UTF-8 stay bytes. */
function textOrBytes(latin1: string): string | Uint8Array {
  const bytes = Buffer.from(latin1, 'latin1');
  const text = bytes.toString('utf8');
  return text.includes(REPLACED) ? bytes : text;
}
