/** What an event caused by another takes from it. An EventContext and an Envelope are such. */
export interface Cause {
  readonly id: string;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What an event has beside topic and data. */
export interface EventOptions {
  /** Unique; a broker that deduplicates does so by it. 1 to 256 characters of printable ASCII. @default a UUIDv7 */
  readonly id?: string | undefined;
  /** Ordering key: events of one key are handled in order. Any text; empty counts as none. @default none */
  readonly key?: string | undefined;
  /** What kind of event it is, where a topic carries several. 1 to 1,000 characters. @default the topic */
  readonly type?: string | undefined;
  /** Version of the data's schema, from 1. @default none */
  readonly version?: number | undefined;
  /** 1 to 1,000 characters. @default none */
  readonly tenantId?: string | undefined;
  /** When it happened: a Date, or RFC 3339 text. @default now */
  readonly time?: Date | string | undefined;
  /**
   * The application's own. Names are RFC 7230 tokens, not beginning with `ce-`, `ce_` or `Nats-` and not `content-type`; values are text without CR, LF and NUL and
   * without white space at either end. At most 256 headers and 65,536 characters. A `traceparent` here becomes the event's trace context. @default none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the data is, where it is not plain JSON: `text/plain`, `application/protobuf`, … @default 'application/json', for bytes 'application/octet-stream' */
  readonly contentType?: string | undefined;
  /** The event this one follows from: carries its correlation id (or, without one, its id), its id as causation id, and its trace context on. @default none */
  readonly causedBy?: Cause | undefined;
}
