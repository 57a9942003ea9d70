import { inspect } from 'node:util';

/** Options of the broker in memory. */
export interface MemoryBrokerOptions {
  /** Partitions of each topic. @default 6 */
  readonly partitions?: number;
  /** Messages a topic keeps. When it is full, the oldest that no group still needs goes; when there is none, publishing is rejected. @default 100000 */
  readonly maxMessages?: number;
  /** The same in bytes. @default 268435456 (256 MiB) */
  readonly maxBytes?: number;
  /** Largest body plus headers, in bytes; dead letters may be larger. @default 1048576 (1 MiB) */
  readonly maxMessageBytes?: number;
  /** How long a topic remembers an id, to confirm it as a duplicate instead of storing it again, in milliseconds; 0 = not at all. @default 120000 */
  readonly duplicateWindowMs?: number;
}

/** All of them, present. */
export type ResolvedMemoryBrokerOptions = Required<MemoryBrokerOptions>;

export const DEFAULT_MEMORY_BROKER_OPTIONS: ResolvedMemoryBrokerOptions = {
  partitions: 6,
  maxMessages: 100_000,
  maxBytes: 256 * 1024 * 1024,
  maxMessageBytes: 1024 * 1024,
  duplicateWindowMs: 120_000,
};

const SMALLEST: Readonly<Record<keyof ResolvedMemoryBrokerOptions, number>> = {
  partitions: 1,
  maxMessages: 1,
  maxBytes: 1,
  maxMessageBytes: 1,
  duplicateWindowMs: 0,
};

/** Every fault, as `path must …, got …`; empty when there is none. */
export function memoryBrokerFaults(options: MemoryBrokerOptions): string[] {
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) => {
    if (!isOptionName(name)) return [`transport.${name} must not be given: the memory transport has no such option`];
    if (value === undefined) return [];
    const isWhole = typeof value === 'number' && Number.isSafeInteger(value) && value >= SMALLEST[name];
    return isWhole ? [] : [`transport.${name} must be a whole number from ${SMALLEST[name]}, got ${inspect(value)}`];
  });
}

export function resolveMemoryBrokerOptions(options: MemoryBrokerOptions): ResolvedMemoryBrokerOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_MEMORY_BROKER_OPTIONS, ...Object.fromEntries(given) };
}

function isOptionName(name: string): name is keyof ResolvedMemoryBrokerOptions {
  return Object.hasOwn(SMALLEST, name);
}
