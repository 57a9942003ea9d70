import type { ReceivedMessage } from '../transport/message.js';
import { type Attribute, CONTENT_TYPE, type HeaderPrefix, PLACE_OF } from './attributes.js';
import { EnvelopeDecodeError } from './envelope.errors.js';
import { percentDecode } from './percent.js';
import { bareRecord, EMPTY_RECORD } from './records.js';
import { asBuffer } from './text.js';

/** A message's headers, sorted into what is the codec's, the broker's and the application's. */
export interface SortedHeaders {
  /** By their PLACE_OF; absent and empty are both undefined. */
  readonly attributes: readonly (string | undefined)[];
  /** The plain `content-type`. */
  readonly contentType: string | undefined;
  /** `Nats-Msg-Id`. */
  readonly brokerId: string | undefined;
  /** No prototype; the first of several values of a name. */
  readonly own: Readonly<Record<string, string>>;
}

const LETTER_C = 0x63;
const LETTER_N = 0x6e;
const DASH = 0x2d;
const BROKER_PREFIX = 'nats-';

/** Copied for each message: much cheaper than making a list of that length anew. */
const NO_ATTRIBUTES: readonly (string | undefined)[] = Object.keys(PLACE_OF).map(() => undefined);

/** Behind the attributes. */
const CONTENT_TYPE_PLACE = NO_ATTRIBUTES.length;

const PLACES: Readonly<Record<HeaderPrefix, ReadonlyMap<string, number>>> = {
  ce_: placesWith('ce_'),
  'ce-': placesWith('ce-'),
};

/** Header name in lower case → place. */
function placesWith(prefix: HeaderPrefix): ReadonlyMap<string, number> {
  const places = Object.entries(PLACE_OF).map(([name, place]) => [prefix + name, place] as const);
  return new Map([...places, [CONTENT_TYPE, CONTENT_TYPE_PLACE]]);
}

/** The value of one attribute. */
export function attribute(headers: SortedHeaders, name: Attribute): string | undefined {
  return headers.attributes[PLACE_OF[name]];
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
  message.headers.forEach((name, value) => sorter.take(name, value));
  return sorter;
}

class HeaderSorter implements SortedHeaders {
  readonly attributes: (string | undefined)[] = NO_ATTRIBUTES.slice();
  contentType: string | undefined;
  brokerId: string | undefined;
  own: Record<string, string> = EMPTY_RECORD;
  private readonly places: ReadonlyMap<string, number>;

  constructor(
    private readonly topic: string,
    private readonly prefix: HeaderPrefix,
    private readonly foreignNames: ReadonlySet<string> | undefined,
  ) {
    this.places = PLACES[prefix];
  }

  take(name: string, value: string | Uint8Array): void {
    const first = name.charCodeAt(0) | 0x20;
    if (first === LETTER_C && this.isOfCodec(name, value)) return;
    if (first === LETTER_N && this.isOfBroker(name, value)) return;
    if (this.foreignNames?.has(name.toLowerCase())) return;
    if (this.own === EMPTY_RECORD) this.own = bareRecord();
    this.own[name] ??= textOf(value);
  }

  private isOfCodec(name: string, value: string | Uint8Array): boolean {
    const place = this.places.get(name) ?? this.places.get(name.toLowerCase());
    if (place === CONTENT_TYPE_PLACE) this.contentType ??= textOf(value) || undefined;
    else if (place !== undefined) this.attributes[place] ??= this.attributeText(name, value) || undefined;
    return place !== undefined || name.toLowerCase().startsWith(this.prefix);
  }

  private isOfBroker(name: string, value: string | Uint8Array): boolean {
    if (name.charCodeAt(BROKER_PREFIX.length - 1) !== DASH) return false;
    const lower = name.toLowerCase();
    if (!lower.startsWith(BROKER_PREFIX)) return false;
    if (lower === 'nats-msg-id') this.brokerId ??= textOf(value) || undefined;
    return true;
  }

  private attributeText(name: string, value: string | Uint8Array): string {
    const text = textOf(value);
    if (this.prefix === 'ce_') return text;
    const decoded = percentDecode(text);
    if (decoded === undefined) {
      throw new EnvelopeDecodeError(this.topic, `its header ${name} has escapes that are not UTF-8`);
    }
    return decoded;
  }
}

function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : asBuffer(value).toString();
}
