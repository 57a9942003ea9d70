import { Transform } from 'node:stream';

/** What a NATS client sends, but for messages to some subjects while `isOn`: these are swallowed. */
export class Swallow extends Transform {
  isOn = false;
  swallowed = 0;
  #rest = Buffer.alloc(0);

  constructor(private readonly subject: RegExp) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let command = this.#next(); command !== undefined; command = this.#next()) this.push(command);
    done();
  }

  /** The next whole command that is to be passed on; undefined when there is none yet. */
  #next(): Buffer | undefined {
    for (;;) {
      const lineEnd = this.#rest.indexOf('\r\n');
      if (lineEnd < 0) return undefined;
      const [verb = '', subject = '', ...others] = this.#rest.subarray(0, lineEnd).toString('latin1').split(' ');
      const isMessage = verb === 'PUB' || verb === 'HPUB';
      const end = lineEnd + 2 + (isMessage ? Number(others.at(-1)) + 2 : 0);
      if (this.#rest.length < end) return undefined;
      const command = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
      if (!isMessage || !this.isOn || !this.subject.test(subject)) return command;
      this.swallowed += 1;
    }
  }
}
