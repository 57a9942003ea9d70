import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../brokers/index.js';
import { type ChunkFate, CLEAR, type Conditions } from './flow.js';
import { type Direction, DIRECTIONS, Link, type Side } from './link.js';

export type { Direction, Side } from './link.js';

/** Which connections a fault is for: those that are open, those to come, or both. */
export type Which = 'existing' | 'new' | 'all';

/** What a proxy can do to a connection. */
export type ProxyFault =
  'cut' | 'reset' | 'half-open' | 'black-hole' | 'lose' | 'hold' | 'delay' | 'throttle' | 'refuse' | 'lost-answer';

export interface FaultProxyOptions {
  /** The broker's port on 127.0.0.1; may be said later by `retarget`, before the first client comes. */
  readonly target?: number;
  /** @default a free one */
  readonly port?: number;
  /** From 0 to below 1, for the jitter. @default Math.random */
  readonly random?: () => number;
}

/** What went through a proxy, and what its faults did. */
export interface ProxyCounts {
  /** Accepted since it was opened. */
  readonly connections: number;
  /** Open now. */
  readonly open: number;
  /** Taken from their sender, whether they arrived or not. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Of these, the ones that never arrived. */
  readonly lostBytes: Readonly<Record<Direction, number>>;
  /**
   * How often each fault has hurt somebody: connections ended by `cut`, `reset`, `half-open`, `lost-answer`; connections swallowed whole
   * by `black-hole`; chunks lost, held, delayed, throttled; times the port was closed by `refuse`. A fault that met nobody counts as 0.
   */
  readonly struck: Readonly<Record<ProxyFault, number>>;
}

const FAULT_OF: Readonly<Record<Exclude<ChunkFate, 'passed'>, ProxyFault>> = {
  lost: 'lose',
  held: 'hold',
  delayed: 'delay',
  throttled: 'throttle',
};

/**
 * A port on 127.0.0.1 in front of a broker's, whose network can be broken while it runs. `cut`, `reset` and `halfOpen` strike once, the
 * connections that are open; the others stay, for open connections and for new ones, until `heal`.
 */
export class FaultProxy {
  readonly #links = new Set<Link>();
  readonly #server: Server;
  readonly #random: () => number;
  readonly #bytes: Record<Direction, number> = { 'to-broker': 0, 'to-client': 0 };
  readonly #lostBytes: Record<Direction, number> = { 'to-broker': 0, 'to-client': 0 };
  readonly #struck: Record<ProxyFault, number> = {
    cut: 0,
    reset: 0,
    'half-open': 0,
    'black-hole': 0,
    lose: 0,
    hold: 0,
    delay: 0,
    throttle: 0,
    refuse: 0,
    'lost-answer': 0,
  };
  /** For connections to come. */
  readonly #conditions: Record<Direction, Conditions> = { 'to-broker': CLEAR, 'to-client': CLEAR };
  #swallowsNew = false;
  #target: number;
  #connections = 0;
  /** Set while the next answer to such a request is to be lost. */
  #loss: { readonly isRequest: (chunk: Buffer) => boolean; readonly onLost: () => void } | undefined;

  private constructor(
    readonly port: number,
    { target = 0, random = Math.random }: FaultProxyOptions,
  ) {
    this.#target = target;
    this.#random = random;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Resolves when it listens. @throws Error when it cannot have the port */
  static async open(options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(options.port ?? (await freePort()), options);
    await proxy.#listen();
    return proxy;
  }

  /** host:port, for clients. */
  get url(): string {
    return `127.0.0.1:${this.port}`;
  }

  get counts(): ProxyCounts {
    return {
      connections: this.#connections,
      open: this.#links.size,
      bytes: { ...this.#bytes },
      lostBytes: { ...this.#lostBytes },
      struck: { ...this.#struck },
    };
  }

  /** For connections to come. */
  retarget(port: number): void {
    this.#target = port;
  }

  /** Ends every connection in good order (FIN), in both directions. */
  cut(): void {
    this.#strikeEach('cut', (link) => link.cut());
  }

  /** Resets every connection (RST), in both directions. */
  reset(): void {
    this.#strikeEach('reset', (link) => link.reset());
  }

  /** One side of every connection is reset; the other keeps its own, can write, and never hears anything again. */
  halfOpen(gone: Side): void {
    this.#strikeEach('half-open', (link) => link.leave(gone));
  }

  /** Swallows everything both ways: open connections stay open, new ones are accepted, and nobody answers. */
  blackHole(which: Which = 'all'): void {
    if (which !== 'new') {
      this.#strikeEach('black-hole', (link) => {
        for (const direction of DIRECTIONS) link.set(direction, { ...CLEAR, isLost: true });
      });
    }
    if (which !== 'existing') this.#swallowsNew = true;
  }

  /** Swallows what goes one way; the other way works. */
  lose(direction: Direction): void {
    this.#set([direction], { isLost: true });
  }

  /** Keeps back what goes one way, or both; all of it arrives at `heal`, as after a cut that TCP has lived through. */
  hold(direction?: Direction): void {
    this.#set(direction === undefined ? DIRECTIONS : [direction], { isHeld: true });
  }

  /** Each chunk arrives so much later, at random up to `jitterMs` later still. Order is kept. */
  delay({ latencyMs, jitterMs = 0, direction }: { latencyMs: number; jitterMs?: number; direction?: Direction }): void {
    this.#set(direction === undefined ? DIRECTIONS : [direction], { latencyMs, jitterMs });
  }

  /** At most so many bytes a second for each connection and direction. */
  throttle({ bytesPerSecond, direction }: { bytesPerSecond: number; direction?: Direction }): void {
    this.#set(direction === undefined ? DIRECTIONS : [direction], { bytesPerSecond });
  }

  /** Closes the port: who connects is refused. Open connections stay. */
  refuse(): void {
    if (!this.#server.listening) return;
    this.#struck.refuse += 1;
    this.#server.close();
  }

  /**
   * Ends every fault that stays. Connections that have missed bytes are reset, as no TCP connection goes on with a hole; the others go
   * on, with what was kept back. Resolves when the port takes connections.
   * @throws Error when somebody has taken the port meanwhile
   */
  async heal(): Promise<void> {
    this.#swallowsNew = false;
    this.#loss = undefined;
    for (const direction of DIRECTIONS) this.#conditions[direction] = CLEAR;
    for (const link of this.#links) {
      if (link.isDamaged) link.reset();
      else for (const direction of DIRECTIONS) link.set(direction, CLEAR);
    }
    if (!this.#server.listening) await this.#listen();
  }

  /** The answer to the next such request is thrown away and its connection reset. Resolves when that has happened. */
  loseNextAnswer(isRequest: (chunk: Buffer) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#loss = { isRequest, onLost: resolve };
    });
  }

  /** Releases the port and every connection. Idempotent. */
  async close(): Promise<void> {
    this.#loss = undefined;
    const closed = this.#server.listening && new Promise((resolve) => this.#server.close(resolve));
    for (const link of this.#links) link.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#connections += 1;
    if (this.#swallowsNew) this.#struck['black-hole'] += 1;
    const link = new Link({
      client,
      target: this.#swallowsNew ? undefined : this.#target,
      conditions: this.#conditions,
      random: this.#random,
      onChunk: (direction, fate, bytes) => this.#count(direction, fate, bytes),
      onClose: () => this.#links.delete(link),
    });
    this.#links.add(link);
    link.onRequest((chunk) => this.#watch(link, chunk));
  }

  #watch(link: Link, chunk: Buffer): void {
    const loss = this.#loss;
    if (loss?.isRequest(chunk) !== true) return;
    this.#loss = undefined;
    link.loseNextAnswer(() => {
      this.#struck['lost-answer'] += 1;
      loss.onLost();
    });
  }

  #count(direction: Direction, fate: ChunkFate, bytes: number): void {
    this.#bytes[direction] += bytes;
    if (fate === 'passed') return;
    this.#struck[FAULT_OF[fate]] += 1;
    if (fate === 'lost') this.#lostBytes[direction] += bytes;
  }

  #set(directions: readonly Direction[], change: Partial<Conditions>): void {
    for (const direction of directions) {
      this.#conditions[direction] = { ...this.#conditions[direction], ...change };
      for (const link of this.#links) link.set(direction, this.#conditions[direction]);
    }
  }

  #strikeEach(fault: ProxyFault, strike: (link: Link) => void): void {
    for (const link of this.#links) {
      this.#struck[fault] += 1;
      strike(link);
    }
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }
}
