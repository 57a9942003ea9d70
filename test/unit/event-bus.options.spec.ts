import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { InvalidOptionsError } from '../../lib/core/errors.js';
import type { EventBusOptions } from '../../lib/event-bus.options.js';
import { DEFAULT_EVENT_BUS_OPTIONS, groupSettings, resolveOptions } from '../../lib/event-bus.resolve-options.js';
import { memoryTransport } from '../../lib/transports/memory/memory-transport.factory.js';

/** Interface → where its defaults are. */
const DEFAULTS: Readonly<Record<string, object>> = {
  PoolOptions: DEFAULT_EVENT_BUS_OPTIONS.pools.global,
  KeyedPoolOptions: DEFAULT_EVENT_BUS_OPTIONS.pools.keyed,
  AckPoolOptions: DEFAULT_EVENT_BUS_OPTIONS.pools.ack,
  PoolsOptions: DEFAULT_EVENT_BUS_OPTIONS.pools,
  GroupOptions: DEFAULT_EVENT_BUS_OPTIONS.group,
  HandlerDefaults: DEFAULT_EVENT_BUS_OPTIONS.handlers,
  EventBusOptions: DEFAULT_EVENT_BUS_OPTIONS,
  RetryOptions: DEFAULT_EVENT_BUS_OPTIONS.retry,
};

/** Defaults that are not one value. */
const IN_WORDS: Readonly<Record<string, string>> = {
  'PoolOptions.queueSize': '100 × workers, following it',
  'AckPoolOptions.workers': '2 × CPUs',
  'EventBusOptions.transport': 'memoryTransport()',
  'EventBusOptions.source': "the group, or 'nestjs-eventbus'",
  'EventBusOptions.codec': 'cloudEventsCodec()',
  'EventBusOptions.consume': 'true; false under createApplicationContext',
  'PoolsOptions.global': 'as said at each of them',
  'PoolsOptions.keyed': 'as said at each of them',
  'PoolsOptions.ack': 'as said at each of them',
  'EventBusOptions.pools': 'as said at each of them',
  'EventBusOptions.retry': '10 attempts, 100 ms × 2 up to 30 s, jitter 0.2',
  'EventBusOptions.handlers': 'as said at each of them',
};

interface DocumentedOption {
  readonly path: string;
  readonly parent: string;
  readonly name: string;
  readonly stated: string | undefined;
}

/** Every option of every interface in a file, with what its docstring says of the default. */
function documentedOptions(file: string): DocumentedOption[] {
  const text = readFileSync(new URL(`../../lib/${file}`, import.meta.url), 'utf8');
  return [...text.matchAll(/export interface (\w+)[^{]*\{(.*?)\n\}/gs)].flatMap(([, parent = '', body = '']) =>
    [...body.matchAll(/(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?readonly (\w+)\??:/gs)].map(([, doc = '', name = '']) => ({
      path: `${parent}.${name}`,
      parent,
      name,
      stated: /@default (.*?)\s*$/s.exec(doc)?.[1],
    })),
  );
}

function faultsOf(options: unknown): readonly string[] {
  try {
    resolveOptions(Object(options));
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.faults;
    throw error;
  }
}

const documented = [
  ...documentedOptions('event-bus.options.ts'),
  ...documentedOptions('handlers/retry-policy.ts'),
].filter(({ parent }) => Object.hasOwn(DEFAULTS, parent));

describe("an option's docstring", () => {
  it('is there for every option', () => {
    expect(documented.length).toBeGreaterThan(35);
    const silent = documented.filter(({ stated }) => stated === undefined).map(({ path }) => path);
    expect(silent).toEqual(['EventBusOptions.group']);
  });

  it.each(documented.filter(({ stated }) => stated !== undefined))(
    'of $path names the default there is',
    ({ path, parent, name, stated }) => {
      if (Object.hasOwn(IN_WORDS, path)) return expect(stated).toBe(IN_WORDS[path]);
      const value: unknown = Reflect.get(DEFAULTS[parent] ?? {}, name);
      const said = (stated ?? '').replace(/ \(.*\)$/, '').replaceAll("'", '"');
      return expect(JSON.parse(said)).toEqual(value);
    },
  );

  it('names in words what the constant holds', () => {
    const { pools, retry, consume } = DEFAULT_EVENT_BUS_OPTIONS;
    expect([pools.global.queueSizePerWorker, pools.keyed.queueSizePerWorker]).toEqual([100, 100]);
    expect(pools.ack.workers).toBe(2 * availableParallelism());
    expect(consume).toBe(true);
    expect(retry).toEqual({ maxAttempts: 10, initialDelayMs: 100, multiplier: 2, maxDelayMs: 30_000, jitter: 0.2 });
  });
});

describe('resolveOptions', () => {
  it('fills in everything', () => {
    const options = resolveOptions();
    expect(options).toMatchObject({
      isTransportGiven: false,
      group: 'default',
      source: 'nestjs-eventbus',
      consume: undefined,
      pools: { global: { workers: 256, queueSize: undefined }, keyed: { queueSizePerKey: 1_000 } },
      shutdownTimeoutMs: 25_000,
    });
    expect([options.transport.name, options.codec.name]).toEqual(['memory', 'cloudevents']);
  });

  it('keeps what was said, and takes undefined for nothing said', () => {
    const given: EventBusOptions = Object({
      group: 'billing',
      retry: { maxAttempts: 3, jitter: undefined },
      pools: { global: { workers: 4 }, ack: undefined },
      maxJsonDepth: undefined,
    });
    expect(resolveOptions(given)).toMatchObject({
      group: 'billing',
      source: 'billing',
      retry: { maxAttempts: 3, jitter: 0.2, multiplier: 2 },
      pools: { global: { workers: 4 }, keyed: { workers: 256 }, ack: { maxPending: 100_000 } },
      maxJsonDepth: 200,
    });
  });

  it('has no group by default on a durable transport', () => {
    expect(resolveOptions({ transport: { ...memoryTransport(), durable: true } }).group).toBeUndefined();
  });

  it('knows what belongs to a group', () => {
    const options = resolveOptions({ groups: { audit: { delivery: 'at-most-once' } } });
    expect(groupSettings(options, 'audit')).toEqual({ delivery: 'at-most-once', startFrom: 'earliest' });
    expect(groupSettings(options, 'toString')).toEqual({ delivery: 'at-least-once', startFrom: 'earliest' });
  });

  it.each<[unknown, string]>([
    [{ grup: 'x' }, 'grup is not an option'],
    [{ pools: { ack: { worker: 1 } } }, 'pools.ack.worker is not an option'],
    [{ group: 'a b' }, 'group must be 1 to 100 letters, digits, ".", "_" and "-", got "a b"'],
    [{ group: 7 }, 'group must be a string, got 7'],
    [{ groups: { 'a b': {} } }, 'groups must have names of 1 to 100 letters, digits, ".", "_" and "-", got "a b"'],
    [
      { groups: { a: { delivery: 'once' } } },
      'groups.a.delivery must be one of "at-least-once", "at-most-once", got "once"',
    ],
    [
      { groups: { a: { startFrom: 'now' } } },
      'groups.a.startFrom must be "earliest", "latest" or a valid Date, got "now"',
    ],
    [
      { groups: { a: { startFrom: new Date('x') } } },
      'groups.a.startFrom must be "earliest", "latest" or a valid Date, got an object',
    ],
    [
      { topicPrefix: 'a..' },
      'topicPrefix must be the beginning of a topic: letters, digits, "_" and "-" between dots, got "a.."',
    ],
    [{ source: '' }, 'source must be at least 1 characters long, got ""'],
    [{ consume: 'yes' }, 'consume must be a boolean, got "yes"'],
    [{ startup: 'eager' }, 'startup must be one of "background", "require", got "eager"'],
    [{ connectTimeoutMs: Number.NaN }, 'connectTimeoutMs must be a number, got NaN'],
    [{ shutdownTimeoutMs: 2 ** 31 }, 'shutdownTimeoutMs must be at most 2147483647, got 2147483648'],
    [{ rebalanceDrainMs: 0 }, 'rebalanceDrainMs must be at least 1, got 0'],
    [{ pools: { global: { workers: 1.5 } } }, 'pools.global.workers must be an integer, got 1.5'],
    [{ pools: { keyed: { workers: 9, queueSize: 8 } } }, 'pools.keyed.queueSize must be at least workers (9), got 8'],
    [{ pools: { global: { queueSize: 255 } } }, 'pools.global.queueSize must be at least workers (256), got 255'],
    [{ retry: { initialDelayMs: 5, maxDelayMs: 4 } }, 'retry.maxDelayMs must be at least initialDelayMs (5), got 4'],
    [{ retry: { jitter: 1.1 } }, 'retry.jitter must be at most 1, got 1.1'],
    [{ handlers: { onTimeout: 'kill' } }, 'handlers.onTimeout must be one of "wait", "dead-letter", got "kill"'],
    [{ unmatched: 'drop' }, 'unmatched must be one of "ignore", "dead-letter", got "drop"'],
    [
      { transport: 'nats' },
      'transport must be made by memoryTransport(), natsTransport() or kafkaTransport(), got "nats"',
    ],
    [{ codec: {} }, 'codec must be made by cloudEventsCodec(), jsonEnvelopeCodec() or nestCodec(), got an object'],
    [{ transport: memoryTransport({ partitions: 0 }) }, 'transport.partitions must be a whole number from 1, got 0'],
    [{ maxJsonDepth: 10_001 }, 'maxJsonDepth must be at most 10000, got 10001'],
  ])('refuses %j', (options, fault) => {
    expect(faultsOf(options)).toEqual([fault]);
  });

  it('reports every fault in one error', () => {
    const faults = faultsOf({ retry: { maxAttempts: 0, jitter: -1 }, pools: { ack: { maxPending: 0 } }, x: 1 });
    expect(faults).toHaveLength(4);
  });

  it('never shows what may be a secret', () => {
    expect(faultsOf({ codec: { password: 'planted' } }).join()).not.toContain('planted');
  });
});
