import { Transform } from 'node:stream';

/** What a NATS client sends, and a way to make its pulls go unheard: the server forgets the subscription they are answered to, the client does not. */
export class DeafMaker extends Transform {
  /** Subject of a subscription → its number. */
  readonly #subscriptions = new Map<string, string>();
  /** Where the last pull was to be answered. */
  #inbox = '';
  #rest = Buffer.alloc(0);

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let command = this.#next(); command !== undefined; command = this.#next()) this.push(command);
    done();
  }

  /** From now on nothing of a pull arrives, until it is subscribed anew. */
  deafen(): void {
    const number = this.#subscriptions.get(this.#inbox);
    if (number === undefined) throw new Error('no pull yet');
    this.push(`UNSUB ${number}\r\n`);
  }

  /** The next whole command; undefined while there is none. */
  #next(): Buffer | undefined {
    const lineEnd = this.#rest.indexOf('\r\n');
    if (lineEnd < 0) return undefined;
    const words = this.#rest.subarray(0, lineEnd).toString('latin1').split(' ');
    const isMessage = words[0] === 'PUB' || words[0] === 'HPUB';
    const end = lineEnd + 2 + (isMessage ? Number(words.at(-1)) + 2 : 0);
    if (this.#rest.length < end) return undefined;
    const command = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    this.#note(words);
    return command;
  }

  #note([verb = '', subject = '', reply = '', ...others]: readonly string[]): void {
    if (verb === 'SUB') this.#subscriptions.set(subject, others.at(-1) ?? reply);
    if (verb === 'PUB' && /CONSUMER\.MSG\.NEXT/.test(subject)) this.#inbox = reply.replace(/[^.]+$/, '*');
  }
}
