import { order, type RunningApp } from './running-app.js';

/** Orders posted one after another by several clients at once, until told to stop. */
export class OrderLoad {
  readonly #confirmed: string[] = [];
  readonly #refused = new Map<string, string>();
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(
    private readonly app: RunningApp,
    private readonly prefix: string,
    clients = 4,
  ) {
    this.#clients = Array.from({ length: clients }, (_, client) => this.#run(client));
  }

  /** Ids of the orders that were answered 202, so far. */
  get confirmed(): readonly string[] {
    return this.#confirmed;
  }

  /** Id → answer of the orders that were answered otherwise, or not at all. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** Resolves when every client has its last answer. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    for (let count = 1; !this.#isOver; count++) {
      const id = `${this.prefix}-${client}-${count}`;
      const answer = await this.#place(id);
      if (answer === '202') this.#confirmed.push(id);
      else this.#refused.set(id, answer);
      if (answer === 'no answer') return;
    }
  }

  async #place(id: string): Promise<string> {
    try {
      const { status, body } = await this.app.place(order(id));
      return status === 202 ? '202' : `${status} ${body.code}`;
    } catch {
      return 'no answer';
    }
  }
}
