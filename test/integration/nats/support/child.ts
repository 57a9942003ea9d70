import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ChildOrders, ChildReport } from './handling-child.js';

/** A process of its own that handles events. */
export class Child {
  private constructor(
    private readonly process: ChildProcess,
    readonly orders: ChildOrders,
  ) {}

  /** Resolves when it consumes. */
  static async start(orders: ChildOrders): Promise<Child> {
    const child = Child.spawn(orders);
    await once(child.process, 'message');
    return child;
  }

  /** Does not wait for it. */
  static spawn(orders: ChildOrders): Child {
    const script = fileURLToPath(new URL('./handling-child.ts', import.meta.url));
    const child = fork(script, [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'] });
    return new Child(child, orders);
  }

  get name(): string {
    return this.orders.name;
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** At once, in the middle of everything; what it was handling ends there. */
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
    appendFileSync(this.orders.file, `X ${this.orders.name}\n`);
  }

  /** Freezes it: what it is handling may overlap with its successor. */
  stop(): void {
    this.process.kill('SIGSTOP');
    appendFileSync(this.orders.file, `Z ${this.orders.name}\n`);
  }

  continue(): void {
    this.process.kill('SIGCONT');
  }

  async report(): Promise<ChildReport> {
    this.process.send('report');
    return this.#answer();
  }

  /** In good order; what it had to tell at the end. */
  async close(): Promise<ChildReport> {
    const exited = once(this.process, 'exit');
    this.process.send('close');
    const report = await this.#answer();
    await exited;
    return report;
  }

  /** Its next message that is a report. */
  async #answer(): Promise<ChildReport> {
    for (;;) {
      const [message]: unknown[] = await once(this.process, 'message');
      if (isReport(message)) return message;
    }
  }
}

function isReport(message: unknown): message is ChildReport {
  return typeof message === 'object' && message !== null && 'details' in message;
}
