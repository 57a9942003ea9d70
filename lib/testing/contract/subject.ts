import type { HeaderEntry } from '../../transport/message.js';
import type { TransportFactory } from '../../transport/transport.js';

/** The functions of a test runner that the suite needs: those of vitest and jest fit as they are. */
export interface ContractRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown;
  readonly expect: ContractExpect;
  readonly beforeAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
  readonly afterAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
  /** Is given one line for each known failure, with its name and how it failed. @default nobody is told */
  readonly report?: (line: string) => void;
}

/** What the suite calls of `expect`. */
export type ContractExpect = (actual: unknown, message?: string) => ContractMatchers;

/** The matchers the suite uses, as vitest and jest have them. */
export interface ContractMatchers {
  readonly not: ContractMatchers;
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: unknown): void;
  toHaveLength(expected: number): void;
  toBeGreaterThan(expected: number): void;
  toBeGreaterThanOrEqual(expected: number): void;
  toBeLessThan(expected: number): void;
  toBeLessThanOrEqual(expected: number): void;
}

/** What a broker can and cannot do. Tests of what it cannot do are left out, or expect the other answer. */
export interface ContractCapabilities {
  /** Whether it stores one id once, within a window. */
  readonly deduplicates: boolean;
  /** Whether a message may have no body at all (`null`), as Kafka's tombstones. */
  readonly tombstones: boolean;
  /** Whether its messages have a key of their own beside the headers. */
  readonly keys: boolean;
  /** What bounds a delivery: single messages, or one fetch (`source.fetchBytes`) for every source. */
  readonly credit: 'messages' | 'fetch';
  /**
   * Who has a source when several instances share a group: one of them at a time, or all at once (nats-server before 2.11, which
   * cannot pin a consumer to one client). Shared sources keep no order per key across instances.
   */
  readonly ownership: 'exclusive' | 'shared';
  /** Which header values it can carry: any at all, or none with CR, LF or NUL. */
  readonly headerValues: 'any' | 'single-line';
}

/** A message as a foreign client reads it: nothing of this library in between. */
export interface StoredMessage {
  /** Null when it has none. */
  readonly key: string | null;
  readonly body: Uint8Array | null;
  readonly headers: readonly HeaderEntry[];
  /** As `publish` names positions on this broker. */
  readonly position: Readonly<Record<string, unknown>>;
}

/** A message as a foreign client sends it. */
export interface RawMessage {
  readonly key?: string | null;
  readonly body: Uint8Array | null;
  readonly headers?: readonly HeaderEntry[];
}

/** A broker to run the suite on. Shared by all tests: names must be unique, nothing may be assumed to be empty. */
export interface ContractEnvironment {
  /**
   * What an application would give to `forRoot`. The same broker each time.
   * @param fetchBytes the least a fetch may bring, where the transport has such an option @default the transport's own
   */
  transport(options?: { readonly fetchBytes?: number }): TransportFactory;
  /**
   * Declares a topic nobody else uses, and resolves with its name.
   * @param partitions as many, where the broker has them @default the broker's own
   */
  topic(options?: { readonly partitions?: number }): Promise<string>;
  /** Makes room for topics that begin with a token nobody else uses, and resolves with it: `t1` for `t1.>`. */
  family(): Promise<string>;
  /** Declares a topic of a family. */
  declare(topic: string): Promise<void>;
  /** Sends with a foreign client; resolves once it is stored. */
  produceRaw(topic: string, message: RawMessage): Promise<void>;
  /** All that a topic holds, read with a foreign client: per partition in order. Empty for a topic that is not there. */
  readBack(topic: string): Promise<readonly StoredMessage[]>;
  close(): Promise<void>;
}

/** An environment with a broker of its own. */
export interface RestartableEnvironment extends ContractEnvironment {
  /** Stops the broker and starts it again; what was stored is there afterwards. Resolves when it takes clients. */
  restart(): Promise<void>;
}

/** The transport under test. */
export interface ContractSubject {
  /** With the broker's version, where it has one. */
  readonly name: string;
  readonly capabilities: ContractCapabilities;
  readonly createEnvironment: () => Promise<ContractEnvironment>;
  /** For the tests that restart a broker: called by each of them. @default these tests are left out */
  readonly createRestartable?: () => Promise<RestartableEnvironment>;
  /** Names of tests that are known to fail. They are run all the same, and one that passes fails the suite. @default [] */
  readonly knownFailures?: readonly string[];
  /** How long something that is promised may take to be seen, in milliseconds. @default 10000 */
  readonly patienceMs?: number;
  /** Time one test may take, in milliseconds. @default 30000 */
  readonly testTimeoutMs?: number;
}

/** One promise of the contract, named in its words. */
export interface ContractTest {
  readonly name: string;
  /** Whether it applies. @default always */
  readonly appliesTo?: (capabilities: ContractCapabilities) => boolean;
  readonly run: (tools: ContractTools) => Promise<void>;
}

/** One that restarts the broker. */
export interface RestartTest {
  readonly name: string;
  readonly run: (tools: ContractTools, restart: () => Promise<void>) => Promise<void>;
}

type ContractTools = import('./tools.js').ContractTools;
