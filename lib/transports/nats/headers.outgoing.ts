import { MsgHdrsImpl } from '@nats-io/transport-node';
import { EventBusError } from '../../core/errors.js';
import type { HeaderEntry, OutgoingMessage } from '../../transport/message.js';

const FIRST_LINE = 'NATS/1.0\r\n';
const LEGAL_NAME = /^[!-9;-~]+$/;
const ILLEGAL_NAME_CHARACTERS = /[^!-9;-~]/g;
const ILLEGAL_VALUE = /[\r\n\0]/;
const ILLEGAL_VALUE_CHARACTERS = /[\r\n\0]+/g;

/** Headers that are bytes already: the client asks for nothing but these. */
export class EncodedHeaders extends MsgHdrsImpl {
  constructor(private readonly bytes: Uint8Array) {
    super();
  }

  override encode(): Uint8Array {
    return this.bytes;
  }
}

/** A header that would write into the protocol, or that the server takes for an order. */
export class InvalidHeaderError extends EventBusError {
  constructor(name: string, why: string) {
    super('EVENT_BUS_INVALID_HEADER', `Header "${name.slice(0, 100)}" cannot be sent over NATS: ${why}.`);
  }
}

/**
 * The header block of a message, `Nats-Msg-Id` first. A dead letter's are made legal where they are not, for it has to be stored.
 * @throws InvalidHeaderError
 */
export function encodeHeaders(message: OutgoingMessage): Buffer {
  const headers = message.dead === true ? message.headers.map(legalized) : message.headers;
  return headerBlock([['Nats-Msg-Id', message.id], ...headers]);
}

/** A header block of exactly these entries; the first may be the server's own. @throws InvalidHeaderError */
export function headerBlock(entries: readonly HeaderEntry[]): Buffer {
  let block = FIRST_LINE;
  const withBytes = entries.some(([, value]) => typeof value !== 'string');
  entries.forEach(([name, value], index) => {
    const written = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
    assertLegal(name, written, index === 0);
    block += withBytes && typeof value === 'string' ? `${name}: ${latin1OfUtf8(value)}\r\n` : `${name}: ${written}\r\n`;
  });
  return Buffer.from(`${block}\r\n`, withBytes ? 'latin1' : 'utf8');
}

function assertLegal(name: string, value: string, isOurs: boolean): void {
  if (!LEGAL_NAME.test(name)) throw new InvalidHeaderError(name, 'a name has visible ASCII characters, without ":"');
  if (ILLEGAL_VALUE.test(value)) throw new InvalidHeaderError(name, 'a value has no CR, LF or NUL');
  if (!isOurs && isServers(name))
    throw new InvalidHeaderError(name, 'names that begin with "Nats-" are orders to the server');
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
