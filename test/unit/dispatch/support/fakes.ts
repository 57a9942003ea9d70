import { HandleRegister } from '../../../../lib/core/handle-register.js';
import type { BusLogger, LogFields } from '../../../../lib/core/logger.js';
import type { DeadLetter } from '../../../../lib/dispatch/dead-letter.js';
import { Dispatcher } from '../../../../lib/dispatch/dispatcher.js';
import type { DispatcherOptions } from '../../../../lib/dispatch/dispatcher.options.js';
import type { Codec } from '../../../../lib/envelope/codec.js';
import type { Envelope } from '../../../../lib/envelope/envelope.js';
import type { EventContext } from '../../../../lib/handlers/event-context.js';
import type { HandlerRegistration, HandlerRegistry } from '../../../../lib/handlers/registration.js';
import { DEFAULT_RETRY_OPTIONS } from '../../../../lib/handlers/retry-policy.js';
import { GlobalWorkerPool } from '../../../../lib/pools/global-pool.js';
import { KeyedWorkerPool } from '../../../../lib/pools/keyed-pool.js';
import { HeaderList } from '../../../../lib/transport/message.js';
import type { HeaderEntry } from '../../../../lib/transport/message.js';
import type { Credit, Delivery, Source } from '../../../../lib/transport/transport.js';

/** A source whose lease, credit calls and deliveries a test decides. */
export class FakeSource implements Source {
  progress: { lag: number | undefined; lastProgressAt: number | undefined; heldBy?: string } = {
    lag: 7,
    lastProgressAt: 42,
  };
  leaseState: 'held' | 'unsure' | 'lost' = 'held';
  replenishments = 0;
  onReplenished: () => void = () => undefined;
  credit: Credit = { messages: 0, bytes: 0 };
  sequence = 0;

  constructor(
    readonly name = 'billing/orders.placed[0]',
    readonly group = 'billing',
    readonly fetchBytes = 1,
  ) {}

  lease(): 'held' | 'unsure' | 'lost' {
    return this.leaseState;
  }

  replenished(): void {
    this.replenishments += 1;
    this.onReplenished();
  }

  /** The next message of the source; `body` is JSON unless it is bytes. */
  next(message: FakeMessage = {}): Delivery {
    this.sequence += 1;
    const {
      topic = 'orders.placed',
      key,
      id = `e${this.sequence}`,
      type,
      body = { n: this.sequence },
      sizeBytes = 100,
    } = message;
    const headers: HeaderEntry[] = [['id', id], ...(message.headers ?? [])];
    if (type !== undefined) headers.push(['type', type]);
    return {
      source: this,
      message: {
        topic,
        key: key === undefined ? null : Buffer.from(key),
        body: body === null || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)),
        headers: new HeaderList(headers),
      },
      position: { partition: 0, offset: this.sequence },
      redelivered: false,
      sizeBytes,
    };
  }
}

export interface FakeMessage {
  readonly topic?: string;
  readonly key?: string;
  readonly id?: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly sizeBytes?: number;
  readonly headers?: readonly HeaderEntry[];
}

/** Metadata in plain headers, JSON bodies; a header `unreadable` makes `read` fail. */
export const fakeCodec: Codec = {
  name: 'fake',
  encode: () => ({ body: null, headers: [] }),
  read: ({ topic, key, headers }): Envelope => {
    if (headers.get('unreadable') !== undefined) throw new Error('unreadable');
    return {
      topic,
      id: headers.get('id') ?? 'none',
      type: headers.get('type') ?? topic,
      key: key === null || key === undefined ? undefined : Buffer.from(key).toString(),
      source: undefined,
      version: undefined,
      time: undefined,
      tenantId: undefined,
      correlationId: undefined,
      causationId: undefined,
      traceparent: undefined,
      tracestate: undefined,
      contentType: undefined,
      headers: {},
    };
  },
  decode: ({ body }): unknown => (body === null ? null : JSON.parse(Buffer.from(body).toString())),
};

export type Handle = (data: unknown, context: EventContext) => unknown;

/** A handler; `enter` is called for it as the invoker does, unless `refuses`. */
export function handler(
  handle: Handle,
  overrides: Partial<HandlerRegistration> & { readonly refuses?: true } = {},
): HandlerRegistration {
  const { refuses, ...rest } = overrides;
  return {
    name: 'Ledger.onPlaced',
    group: 'billing',
    patterns: ['orders.placed'],
    type: undefined,
    pool: 'keyed',
    retry: { ...DEFAULT_RETRY_OPTIONS, initialDelayMs: 10, jitter: 0 },
    timeoutMs: 60_000,
    onTimeout: 'wait',
    invoke: (data: unknown, context: EventContext) => {
      if (refuses === undefined) context.enter();
      return handle(data, context);
    },
    ...rest,
  };
}

const wants = (r: HandlerRegistration, group: string, topic: string): boolean =>
  r.group === group && r.patterns.includes(topic);

/** Matches on group, on the exact topic and on the type. */
export function registryOf(all: readonly HandlerRegistration[]): HandlerRegistry {
  const cache = new Map<string, HandlerRegistration[]>();
  return {
    all,
    match: (group, topic, type) => {
      const id = `${group} ${topic} ${type}`;
      let found = cache.get(id);
      if (found === undefined) {
        found = all.filter((r) => wants(r, group, topic) && (r.type === undefined || r.type === type));
        cache.set(id, found);
      }
      return found;
    },
    hasTopic: (group, topic) => all.some((r) => wants(r, group, topic)),
    subscriptions: () => [],
  };
}

/** Keeps what was logged, by level. */
export class FakeLogger implements BusLogger {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  debug = (message: string, fields?: LogFields): void => this.#keep('debug', message, fields);
  log = (message: string, fields?: LogFields): void => this.#keep('log', message, fields);
  warn = (message: string, fields?: LogFields): void => this.#keep('warn', message, fields);
  error = (message: string, fields?: LogFields): void => this.#keep('error', message, fields);

  at(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  #keep(level: string, message: string, fields: LogFields | undefined): void {
    this.lines.push({ level, message, fields });
  }
}

export interface SetupOptions extends Partial<
  Omit<DispatcherOptions, 'registry' | 'deadLetters' | 'settlement' | 'pools'>
> {
  readonly handlers?: readonly HandlerRegistration[];
  readonly workers?: number;
  readonly store?: (letter: DeadLetter) => Promise<void>;
  readonly settle?: (delivery: Delivery) => void;
  readonly settleBefore?: (deliveries: readonly Delivery[]) => Promise<void>;
}

/** A dispatcher over real pools, with a transport and a dead-letter store that only take notes. */
export function setup(overrides: SetupOptions = {}) {
  const { handlers = [], workers = 256, store, settle, settleBefore, ...rest } = overrides;
  const settled: Delivery[] = [];
  const letters: DeadLetter[] = [];
  const defects: unknown[] = [];
  const logger = new FakeLogger();
  const handles = new HandleRegister();
  const onDefect: ConstructorParameters<typeof KeyedWorkerPool>[0]['onDefect'] = (error, task) => {
    defects.push(error);
    dispatcher.defect(error, task);
  };
  const pools = {
    global: new GlobalWorkerPool({ workers, onDefect }),
    keyed: new KeyedWorkerPool({ workers, onDefect }),
  };
  const dispatcher: Dispatcher = new Dispatcher({
    bus: 'default',
    codec: fakeCodec,
    registry: registryOf(handlers),
    pools,
    settlement: {
      settle: settle ?? ((delivery) => void settled.push(delivery)),
      settleBefore: settleBefore ?? (() => Promise.resolve()),
    },
    deadLetters: {
      store:
        store ??
        ((letter) => {
          letters.push(letter);
          return Promise.resolve();
        }),
    },
    unmatched: 'ignore',
    deliveryOf: () => 'at-least-once',
    poolsOf: () => ['keyed'],
    limits: { globalQueueSize: 1_000, keyedQueueSize: 1_000, queueSizePerKey: 100, queueSizeBytes: 1_000_000 },
    rebalanceDrainMs: 200,
    logger,
    handles,
    random: () => 0.5,
    ...rest,
  });
  const assign = (source = new FakeSource()): FakeSource => {
    source.credit = dispatcher.assigned(source);
    return source;
  };
  const offsets = (): number[] => settled.map(({ position }) => ('offset' in position ? position.offset : -1));
  return { dispatcher, pools, settled, offsets, letters, logger, handles, defects, assign };
}

/** The number in an event's data. */
export function nOf(data: unknown): number {
  return typeof data === 'object' && data !== null && 'n' in data ? Number(data.n) : Number.NaN;
}

/** Several turns of the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise and what settles it. */
export interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export function deferred(): Deferred {
  const ends: { resolve?: () => void; reject?: (error: unknown) => void } = {};
  const promise = new Promise<void>((resolve, reject) => Object.assign(ends, { resolve, reject }));
  return { promise, resolve: () => ends.resolve?.(), reject: (error) => ends.reject?.(error) };
}

/** Fails always. */
export function fail(): never {
  throw new Error('failed');
}
