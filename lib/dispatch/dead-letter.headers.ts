import type { HeaderEntry, Position } from '../transport/message.js';
import { headerText } from '../transport/message.js';
import { unescapeText } from './header-text.js';
import { isPacked, unpackHeaders } from './original-headers.js';

/**
 * The headers that tell a dead letter's history. They must never change: dead letters are read long after they were written. All values are printable
 * ASCII; text in them has everything else, and `%`, as UTF-8 in `%XX` escapes.
 *
 * | header | value |
 * | --- | --- |
 * | eb-dead-topic | the topic it was on |
 * | eb-dead-group | the group that gave it up |
 * | eb-dead-handler | `Class.method`, or `none` when no handler was reached |
 * | eb-dead-event-id, eb-dead-event-type | where they could be read |
 * | eb-dead-key | its key, when it has one |
 * | eb-dead-key-bytes | its key in base64, when it is not UTF-8 |
 * | eb-dead-position | JSON: `{"partition":2,"offset":1234}` or `{"stream":"ORDERS","sequence":55}` |
 * | eb-dead-attempts | how often the handler was run |
 * | eb-dead-error-class, -code | of the last error |
 * | eb-dead-error-message | at most 1 KiB |
 * | eb-dead-error-stack | at most 4 KiB |
 * | eb-dead-time | when it was given up on, RFC 3339 |
 * | eb-dead-header-0, -1 … | an original header that no broker would keep as it is: base64 of its name, a dot, base64 of its value |
 */
export const DEAD_HEADERS = {
  topic: 'eb-dead-topic',
  group: 'eb-dead-group',
  handler: 'eb-dead-handler',
  eventId: 'eb-dead-event-id',
  eventType: 'eb-dead-event-type',
  key: 'eb-dead-key',
  keyBytes: 'eb-dead-key-bytes',
  position: 'eb-dead-position',
  attempts: 'eb-dead-attempts',
  errorClass: 'eb-dead-error-class',
  errorCode: 'eb-dead-error-code',
  errorMessage: 'eb-dead-error-message',
  errorStack: 'eb-dead-error-stack',
  time: 'eb-dead-time',
} as const;

/** What a stored dead letter says of itself. */
export interface DeadLetterHistory {
  readonly topic: string;
  readonly group: string;
  readonly handler: string;
  readonly eventId: string | undefined;
  readonly eventType: string | undefined;
  /** Bytes when it is not UTF-8; undefined = none. */
  readonly key: string | Uint8Array | undefined;
  readonly position: Position | undefined;
  readonly attempts: number;
  readonly error: {
    readonly class: string;
    readonly code: string | undefined;
    readonly message: string;
    readonly stack: string | undefined;
  };
  /** RFC 3339. */
  readonly time: string;
  /** The original headers, as they came. */
  readonly headers: readonly HeaderEntry[];
}

const OUR_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_HEADERS));

/** Reads a stored dead letter's headers; undefined when it is none. */
export function readDeadLetterHeaders(headers: readonly HeaderEntry[]): DeadLetterHistory | undefined {
  const written = new Map(headers.filter(isOurs).map(([name, value]) => [name.toLowerCase(), headerText(value)]));
  const text = (name: string): string | undefined => {
    const value = written.get(name);
    return value === undefined ? undefined : unescapeText(value);
  };
  const topic = text(DEAD_HEADERS.topic);
  if (topic === undefined) return undefined;

  return {
    topic,
    group: text(DEAD_HEADERS.group) ?? '',
    handler: text(DEAD_HEADERS.handler) ?? 'none',
    eventId: text(DEAD_HEADERS.eventId),
    eventType: text(DEAD_HEADERS.eventType),
    key: text(DEAD_HEADERS.key) ?? bytesOf(written.get(DEAD_HEADERS.keyBytes)),
    position: positionOf(text(DEAD_HEADERS.position)),
    attempts: Number(text(DEAD_HEADERS.attempts) ?? 0),
    error: {
      class: text(DEAD_HEADERS.errorClass) ?? 'Error',
      code: text(DEAD_HEADERS.errorCode),
      message: text(DEAD_HEADERS.errorMessage) ?? '',
      stack: text(DEAD_HEADERS.errorStack),
    },
    time: text(DEAD_HEADERS.time) ?? '',
    headers: unpackHeaders(headers.filter((entry) => isPacked(entry) || !isOurs(entry))),
  };
}

function isOurs([name]: HeaderEntry): boolean {
  return OUR_NAMES.has(name.toLowerCase());
}

function bytesOf(base64: string | undefined): Uint8Array | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function positionOf(json: string | undefined): Position | undefined {
  if (json === undefined) return undefined;
  const numbers = /^\{"partition":(\d+),"offset":(\d+)\}$/.exec(json);
  if (numbers !== null) return { partition: Number(numbers[1]), offset: Number(numbers[2]) };
  const named = /^\{"stream":"(.*)","sequence":(\d+)\}$/.exec(json);
  return named === null ? undefined : { stream: named[1] ?? '', sequence: Number(named[2]) };
}
