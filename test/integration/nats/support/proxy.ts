import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Transform } from 'node:stream';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A TCP proxy that can lose what is on the wire. */
export class Proxy {
  readonly #pairs = new Set<Pair>();

  private constructor(
    private readonly server: Server,
    private readonly target: number,
    private readonly filter: Transform | undefined,
  ) {}

  /** @param filter what the client sends goes through; for one connection only */
  static async to(target: number, filter?: Transform): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server, target, filter);
    server.on('connection', (client) => proxy.#join(client));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
  }

  /** What the server sends from now on never arrives; after so many milliseconds the connections are cut. */
  async cut(loseMs: number): Promise<void> {
    const pairs = [...this.#pairs];
    this.silence();
    await new Promise((resolve) => setTimeout(resolve, loseMs));
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** From now on nothing the server sends arrives, and nobody is told. */
  silence(): void {
    for (const { server, client } of this.#pairs) {
      server.unpipe(client);
      server.resume();
    }
  }

  /** At once, as the kernel does when a process dies. */
  sever(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    this.sever();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(client: Socket): void {
    const pair = { client, server: connect(this.target, '127.0.0.1') };
    this.#pairs.add(pair);
    if (this.filter === undefined) client.pipe(pair.server);
    else client.pipe(this.filter).pipe(pair.server);
    pair.server.pipe(client);
    for (const socket of [client, pair.server]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        pair.server.destroy();
      });
    }
  }
}
