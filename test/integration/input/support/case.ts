import type { PublishOptions } from 'nestjs-eventbus';

/** The brokers the table has columns for; memory behaves as NATS does, where a case does not say otherwise. */
export type Where = 'memory' | 'nats' | 'kafka';

/**
 * What becomes of an input, in the table's words:
 * - `exact`: the handler gets the same value
 * - `changed`: the handler gets something else, and the table says what
 * - `dead letter`: stored with its raw bytes and headers untouched
 * - a code: the publish is refused with it, and nothing is sent
 */
export type Verdict = 'exact' | 'changed' | 'dead letter' | `EVENT_BUS_${string}`;

/** What the handler is to be given; what is left out is not looked at. */
export interface Given {
  readonly data?: unknown;
  readonly key?: string | undefined;
  readonly id?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** All values of one name, as text, in `message.headers`. */
  readonly allOf?: readonly [name: string, ...values: string[]];
}

export type Outcome =
  'dead letter' | `EVENT_BUS_${string}` | 'exact' | { readonly exact: Given } | { readonly changed: Given };

/** An event that is published through the bus. `exact`, without more, means data, key and headers as they were said. */
export interface PublishedCase {
  readonly name: string;
  /** @default the topic of the test */
  readonly topic?: string;
  readonly data?: unknown;
  /** Also what the types do not allow. */
  readonly options?: { readonly [Name in keyof PublishOptions]?: unknown };
  /** @default all */
  readonly on?: readonly Where[];
  readonly becomes: Outcome;
}

/** A message as a foreign client sends it. */
export interface RawInput {
  /** Kafka's message key; elsewhere `ce-partitionkey`. Bytes go as they are. */
  readonly key?: string | Uint8Array | null;
  readonly body: string | Uint8Array | null;
  readonly contentType?: string;
  /** CloudEvents attributes, as `ce_name` on Kafka and `ce-name` elsewhere; values are not escaped. */
  readonly attributes?: Readonly<Record<string, string | Uint8Array>>;
  readonly headers?: readonly (readonly [name: string, value: string | Uint8Array])[];
  /** What stands where `NATS/1.0` begins a header block, and further lines; on NATS alone. */
  readonly headerLines?: string;
  /** Put behind the topic of the test: another topic. */
  readonly topicSuffix?: string;
}

/** A message that somebody else sends. */
export interface ReceivedCase {
  readonly name: string;
  readonly input: RawInput;
  /** @default all */
  readonly on?: readonly Where[];
  readonly becomes: Exclude<Outcome, 'exact' | `EVENT_BUS_${string}`>;
}

/** One row of docs/input.md. */
export interface InputRow {
  /** Its first cell, to the letter. */
  readonly row: string;
  readonly published: readonly PublishedCase[];
  readonly received: readonly ReceivedCase[];
  /** `raised`: these need a broker that takes more than 1 MB. @default 'default' */
  readonly limits?: 'raised';
}

const ALL: readonly Where[] = ['memory', 'nats', 'kafka'];

export function isOn({ on = ALL }: { readonly on?: readonly Where[] }, where: Where): boolean {
  return on.includes(where);
}

export function verdictOf(outcome: Outcome): Verdict {
  if (typeof outcome === 'string') return outcome;
  return 'exact' in outcome ? 'exact' : 'changed';
}
