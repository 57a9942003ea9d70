import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a broker, and can lose what the broker answers from some moment on. */
export class LosingProxy {
  readonly #sockets = new Set<Socket>();
  #isLosing = false;
  /** Bytes of answers that never arrived. */
  lostBytes = 0;
  /** Connections that were opened. */
  opened = 0;

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {}

  /** @param listenOn where the broker says that it is, when it says so @default any port */
  static async to(port: number, listenOn = 0): Promise<LosingProxy> {
    const server = createServer();
    const proxy = new LosingProxy(server, port);
    server.on('connection', (client) => proxy.#join(client));
    await new Promise<void>((resolve) => server.listen(listenOn, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
  }

  /** From now on the broker is told everything and heard no more. */
  loseAnswers(): void {
    this.#isLosing = true;
  }

  /** Cuts all connections; new ones are heard again. */
  cut(): void {
    this.#isLosing = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(client: Socket): void {
    this.opened += 1;
    const broker = connect(this.port, '127.0.0.1');
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => void broker.write(chunk));
    broker.on('data', (chunk: Buffer) => {
      if (this.#isLosing) this.lostBytes += chunk.length;
      else client.write(chunk);
    });
  }
}
