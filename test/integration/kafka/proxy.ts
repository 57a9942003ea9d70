import { connect, createServer, type Server, type Socket } from 'node:net';
import { listen } from '../../support/listen.js';

const PRODUCE = 0;
const FETCH = 1;

/** Stands between clients and a broker that advertises it, and can lose answers, swallow them and cut connections. */
export class KafkaProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #target = 0;
  #swallow: (() => void) | undefined;
  #deafened = 0;
  #deafening: 'nobody' | 'who fetches now' | 'everybody' = 'nobody';

  private constructor() {
    this.#server = createServer((client) => this.#serve(client));
  }

  static async open(): Promise<{ proxy: KafkaProxy; port: number }> {
    const proxy = new KafkaProxy();
    return { proxy, port: await listen(proxy.#server) };
  }

  forwardTo(port: number): void {
    this.#target = port;
  }

  /** The next answer to a produce request is thrown away and its connection cut. Resolves when that has happened. */
  loseNextConfirm(): Promise<void> {
    return new Promise((resolve) => (this.#swallow = resolve));
  }

  /**
   * No answer comes back on connections that fetch: heartbeats and commits go on, on others. `who fetches now`: until the next call
   * of this, connections that are there; `everybody`: those to come as well.
   */
  deafen(whom: 'nobody' | 'who fetches now' | 'everybody'): void {
    this.#deafening = whom;
    this.#deafened += 1;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.#target });
    let isDoomed = false;
    let fetchesSince: number | undefined;
    for (const socket of [client, broker]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        (socket === client ? broker : client).destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      if (this.#swallow && chunk.length > 6 && chunk.readInt16BE(4) === PRODUCE) isDoomed = true;
      if (chunk.length > 6 && chunk.readInt16BE(4) === FETCH) fetchesSince ??= this.#deafened;
      broker.write(chunk);
    });
    broker.on('data', (chunk: Buffer) => {
      if (this.#isDeaf(fetchesSince)) return;
      if (isDoomed) this.#loseConfirm(client);
      else client.write(chunk);
    });
  }

  #isDeaf(fetchesSince: number | undefined): boolean {
    if (fetchesSince === undefined || this.#deafening === 'nobody') return false;
    return this.#deafening === 'everybody' || fetchesSince < this.#deafened;
  }

  #loseConfirm(client: Socket): void {
    this.#swallow?.();
    this.#swallow = undefined;
    client.destroy();
  }
}
