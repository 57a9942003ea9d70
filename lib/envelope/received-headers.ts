import { headerText, type ReceivedMessage } from '../transport/message.js';
import { ATTRIBUTES, type Attribute, CONTENT_TYPE, type HeaderPrefix } from './attributes.js';
import { EnvelopeDecodeError } from './envelope.errors.js';
import { percentDecode } from './percent.js';
import { bareRecord, EMPTY_RECORD } from './records.js';

/** A message's headers, sorted into what is the codec's, the broker's and the application's. */
export interface SortedHeaders {
  /** By place in ATTRIBUTES; absent and empty are both undefined. */
  readonly attributes: readonly (string | undefined)[];
  /** The plain `content-type`. */
  readonly contentType: string | undefined;
  /** `Nats-Msg-Id`. */
  readonly brokerId: string | undefined;
  /** No prototype; the first of several values of a name. */
  readonly own: Readonly<Record<string, string>>;
  /** Those named by `foreign`, under their names in lower case. */
  readonly foreign: Readonly<Record<string, string>>;
}

const LETTER_C = 0x63;
const LETTER_N = 0x6e;

const PLACES: Readonly<Record<HeaderPrefix, ReadonlyMap<string, number>>> = {
  ce_: new Map(ATTRIBUTES.map((name, place) => [`ce_${name}`, place])),
  'ce-': new Map(ATTRIBUTES.map((name, place) => [`ce-${name}`, place])),
};

/** The value of one attribute. */
export function attribute(headers: SortedHeaders, name: Attribute): string | undefined {
  return headers.attributes[ATTRIBUTES.indexOf(name)];
}

/**
 * Sorts headers in one pass, whatever their number. Names of attributes and of the broker compare without case, others as they are.
 * @param foreignNames further names, in lower case, that are the codec's and so not the application's
 * @throws EnvelopeDecodeError when an attribute's percent-encoding is not UTF-8
 */
export function sortHeaders(
  message: ReceivedMessage,
  prefix: HeaderPrefix,
  foreignNames?: ReadonlySet<string>,
): SortedHeaders {
  const sorter = new HeaderSorter(message.topic, prefix, foreignNames);
  for (const [name, value] of message.headers.entries()) sorter.take(name, value);
  return sorter;
}

class HeaderSorter implements SortedHeaders {
  readonly attributes: (string | undefined)[] = ATTRIBUTES.map(() => undefined);
  contentType: string | undefined;
  brokerId: string | undefined;
  own: Record<string, string> = EMPTY_RECORD;
  foreign: Record<string, string> = EMPTY_RECORD;

  constructor(
    private readonly topic: string,
    private readonly prefix: HeaderPrefix,
    private readonly foreignNames: ReadonlySet<string> | undefined,
  ) {}

  take(name: string, value: string | Uint8Array): void {
    const first = name.charCodeAt(0) | 0x20;
    if (first === LETTER_C && this.isOfCodec(name, value)) return;
    if (first === LETTER_N && this.isOfBroker(name, value)) return;
    if (this.foreignNames !== undefined && this.isForeign(this.foreignNames, name, value)) return;
    if (this.own === EMPTY_RECORD) this.own = bareRecord();
    this.own[name] ??= headerText(value);
  }

  private isOfCodec(name: string, value: string | Uint8Array): boolean {
    const lower = name.toLowerCase();
    if (lower === CONTENT_TYPE) {
      this.contentType ??= headerText(value) || undefined;
      return true;
    }
    if (!lower.startsWith(this.prefix)) return false;
    const place = PLACES[this.prefix].get(lower);
    if (place !== undefined) this.attributes[place] ??= this.text(lower, value) || undefined;
    return true;
  }

  private isOfBroker(name: string, value: string | Uint8Array): boolean {
    const lower = name.toLowerCase();
    if (!lower.startsWith('nats-')) return false;
    if (lower === 'nats-msg-id') this.brokerId ??= headerText(value) || undefined;
    return true;
  }

  private isForeign(names: ReadonlySet<string>, name: string, value: string | Uint8Array): boolean {
    const lower = name.toLowerCase();
    if (!names.has(lower)) return false;
    if (this.foreign === EMPTY_RECORD) this.foreign = bareRecord();
    this.foreign[lower] ??= headerText(value);
    return true;
  }

  private text(name: string, value: string | Uint8Array): string {
    const text = headerText(value);
    if (this.prefix === 'ce_') return text;
    const decoded = percentDecode(text);
    if (decoded === undefined) {
      throw new EnvelopeDecodeError(this.topic, `its header ${name} has escapes that are not UTF-8`);
    }
    return decoded;
  }
}
