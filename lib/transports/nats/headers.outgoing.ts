import { EventBusError } from '../../core/errors.js';
import type { HeaderEntry, OutgoingMessage } from '../../transport/message.js';

const FIRST_LINE = 'NATS/1.0\r\n';
const LEGAL_NAME = /^[!-9;-~]+$/;
const ILLEGAL_NAME_CHARACTERS = /[^!-9;-~]/g;
const ILLEGAL_VALUE = /[\r\n\0]/;
const ILLEGAL_VALUE_CHARACTERS = /[\r\n\0]+/g;

/** Names remembered at most. */
const MAX_REMEMBERED = 1_000;

/** A header that would write into the protocol, or that the server takes for an order. */
export class InvalidHeaderError extends EventBusError {
  constructor(name: string, why: string) {
    super('EVENT_BUS_INVALID_HEADER', `Header "${name.slice(0, 100)}" cannot be sent over NATS: ${why}.`);
  }
}

/** Writes header blocks; remembers which names are legal. */
export class HeaderWriter {
  readonly #legalNames = new Set<string>();

  /**
   * The header block of a message, `Nats-Msg-Id` first: text, unless a value is bytes. A dead letter's are made legal where they are not, for it has
   * to be stored.
   * @throws InvalidHeaderError
   */
  write({ id, headers, dead }: OutgoingMessage): string | Buffer {
    return this.block('Nats-Msg-Id', id, dead === true ? headers.map(legalized) : headers);
  }

  /** A header block of one header, which may be the server's own, and others. @throws InvalidHeaderError */
  block(firstName: string, firstValue: string, entries: readonly HeaderEntry[]): string | Buffer {
    assertValue(firstName, firstValue);
    let block = `${FIRST_LINE}${firstName}: ${firstValue}\r\n`;
    for (const entry of entries) {
      const value = entry[1];
      if (typeof value !== 'string') return this.#blockWithBytes(firstName, firstValue, entries);
      this.#assertName(entry[0]);
      assertValue(entry[0], value);
      block += `${entry[0]}: ${value}\r\n`;
    }
    return `${block}\r\n`;
  }

  /** Values that are bytes are no text, and go over the wire as they are. */
  #blockWithBytes(firstName: string, firstValue: string, entries: readonly HeaderEntry[]): Buffer {
    let block = `${FIRST_LINE}${firstName}: ${latin1OfUtf8(firstValue)}\r\n`;
    for (const [name, value] of entries) {
      const written = typeof value === 'string' ? latin1OfUtf8(value) : Buffer.from(value).toString('latin1');
      this.#assertName(name);
      assertValue(name, written);
      block += `${name}: ${written}\r\n`;
    }
    return Buffer.from(`${block}\r\n`, 'latin1');
  }

  #assertName(name: string): void {
    if (this.#legalNames.has(name)) return;
    if (!LEGAL_NAME.test(name)) {
      throw new InvalidHeaderError(name, 'a name has visible ASCII characters, without ":"');
    }
    if (isServers(name)) throw new InvalidHeaderError(name, 'names that begin with "Nats-" are orders to the server');
    if (this.#legalNames.size >= MAX_REMEMBERED) this.#legalNames.clear();
    this.#legalNames.add(name);
  }
}

function assertValue(name: string, value: string): void {
  if (ILLEGAL_VALUE.test(value)) throw new InvalidHeaderError(name, 'a value has no CR, LF or NUL');
}

function legalized([name, value]: HeaderEntry): HeaderEntry {
  const legal = name.replaceAll(ILLEGAL_NAME_CHARACTERS, '_') || '_';
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
  const clean = ILLEGAL_VALUE.test(text) ? text.replaceAll(ILLEGAL_VALUE_CHARACTERS, ' ') : undefined;
  const kept = clean === undefined ? value : typeof value === 'string' ? clean : Buffer.from(clean, 'latin1');
  return [isServers(legal) ? `Original-${legal}` : legal, kept];
}

function isServers(name: string): boolean {
  return name.length > 5 && name.slice(0, 5).toLowerCase() === 'nats-';
}

function latin1OfUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
