import { connect as open, type Socket } from 'node:net';
import { once } from 'node:events';

/** The NATS protocol on a bare socket: sends bytes that no client would. */
export class RawNats {
  #answered = '';
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('close', () => this.#fail(new Error('The server has closed the connection.')));
    socket.on('error', (error) => this.#fail(error));
  }

  /** @param url `host:port` */
  static async connect(url: string): Promise<RawNats> {
    const { hostname: host, port } = new URL(`nats://${url.replace(/^nats:\/\//, '')}`);
    const socket = open({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const raw = new RawNats(socket);
    socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}\r\n');
    await raw.#flush();
    return raw;
  }

  /** Resolves once the server has taken it in. */
  async publish(
    subject: string,
    headers: readonly (readonly [string, string | Uint8Array])[],
    body: string | Uint8Array,
    firstLines?: string,
  ): Promise<void> {
    this.write(subject, headers, body, firstLines);
    await this.#flush();
  }

  /** Sends without waiting for the server. */
  write(
    subject: string,
    headers: readonly (readonly [string, string | Uint8Array])[],
    body: string | Uint8Array,
    firstLines?: string,
  ): void {
    const bytes = Buffer.from(body);
    if (headers.length === 0 && firstLines === undefined) {
      this.socket.write(Buffer.concat([Buffer.from(`PUB ${subject} ${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]));
      return;
    }
    const lines = headers.flatMap(([name, value]) => [
      Buffer.from(`${name}: `),
      Buffer.from(value),
      Buffer.from('\r\n'),
    ]);
    const block = Buffer.concat([Buffer.from(`${firstLines ?? 'NATS/1.0'}\r\n`), ...lines, Buffer.from('\r\n')]);
    const order = `HPUB ${subject} ${block.length} ${block.length + bytes.length}\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(order), block, bytes, Buffer.from('\r\n')]));
  }

  async close(): Promise<void> {
    this.#waiting.length = 0;
    this.socket.destroy();
  }

  #flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write('PING\r\n');
    });
  }

  /** The server answers only with lines, for nothing is subscribed to. */
  #read(chunk: Buffer): void {
    const lines = (this.#answered + chunk.toString('latin1')).split('\r\n');
    this.#answered = lines.pop() ?? '';
    for (const line of lines) {
      if (line === 'PING') this.socket.write('PONG\r\n');
      if (line === 'PONG') this.#waiting.shift()?.resolve();
      if (line.startsWith('-ERR')) this.#fail(new Error(line));
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
