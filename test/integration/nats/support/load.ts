import type { Answer, Harness } from './harness.js';

/** Publishes numbered events of some keys at a rate, each after the answer before it or not, until told to stop. */
export class Load {
  /** Key → its highest number. */
  readonly published = new Map<string, number>();
  readonly #answers: Promise<Answer>[] = [];
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(
    private readonly bus: Harness,
    private readonly options: { readonly topic: string; readonly keys: number; readonly perSecond: number },
  ) {
    const started = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - started) / 1_000) * options.perSecond;
      while (this.#sent < due) this.#one();
    }, 5);
  }

  /** Publishes nothing more, and waits for nothing. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  /** Resolves when everything is confirmed. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    clearInterval(this.#timer);
    const answers = await Promise.all(this.#answers);
    const failed = answers.filter(({ how }) => how !== 'confirmed');
    if (failed.length > 0) throw new Error(`${failed.length} publishes were not confirmed`);
    return this.published;
  }

  #one(): void {
    this.#sent += 1;
    const key = `k${Math.floor(Math.random() * this.options.keys)}`;
    const number = (this.published.get(key) ?? 0) + 1;
    this.published.set(key, number);
    this.#answers.push(this.bus.publish(this.options.topic, `${key} ${number}`, { key }));
  }
}
