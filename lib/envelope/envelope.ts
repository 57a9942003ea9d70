/** An event's metadata as the library holds it, whatever the codec. */
export interface EventMetadata {
  /** UUIDv7 unless the publisher gave one. */
  readonly id: string;
  /** @default the topic */
  readonly type: string;
  /** The producer: CloudEvents' `source`. */
  readonly source: string | undefined;
  /** Version of the event's schema. */
  readonly version: number | undefined;
  /** Ordering key; undefined = none. */
  readonly key: string | undefined;
  /** When it happened, as RFC 3339 text. */
  readonly time: string | undefined;
  readonly tenantId: string | undefined;
  readonly correlationId: string | undefined;
  readonly causationId: string | undefined;
  /** W3C trace context. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** What the body is: `application/json`, `text/plain`, `application/octet-stream`, … */
  readonly contentType: string | undefined;
}

/** What a handler is given beside the data, once decoded. */
export interface Envelope extends EventMetadata {
  readonly topic: string;
  /** The application's own headers: text, without those of the codec and the broker. Never has a prototype. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An event about to be published: validated, complete. */
export interface OutgoingEvent extends EventMetadata {
  readonly topic: string;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string>>;
}
