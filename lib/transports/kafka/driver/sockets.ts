import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_DELAY_MS = 60_000;

/** The sockets of one client, opened by us so that we see them come and go and can end them all at once. */
export class OpenSockets {
  readonly #all = new Set<Socket>();
  #up = 0;

  /** @param changed called after each change of `up` */
  constructor(private readonly changed: () => void) {}

  /** How many are connected. */
  get up(): number {
    return this.#up;
  }

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const connected = (): void => {
      this.#count(1);
      socket.once('close', () => this.#count(-1));
      onConnect();
    };
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl
      ? connectTls({ host, port, ...servername, ...ssl }, connected)
      : connect({ host, port }, connected);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    this.#all.add(socket);
    socket.once('close', () => this.#all.delete(socket));
    return socket;
  };

  /** Ends them at once. What waits for an answer on them fails. */
  destroy(): void {
    for (const socket of this.#all) socket.destroy(new Error('closed by this process'));
  }

  #count(by: number): void {
    this.#up += by;
    this.changed();
  }
}
