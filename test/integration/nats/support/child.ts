import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ChildOrders } from './handling-child.js';

/** A process of its own that handles events. */
export class Child {
  private constructor(
    private readonly process: ChildProcess,
    private readonly orders: ChildOrders,
  ) {}

  static async start(orders: ChildOrders): Promise<Child> {
    const script = fileURLToPath(new URL('./handling-child.ts', import.meta.url));
    const child = fork(script, [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return new Child(child, orders);
  }

  /** At once, in the middle of everything; what it was handling ends there. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
    appendFileSync(this.orders.file, `X ${this.orders.name}\n`);
  }

  async close(): Promise<void> {
    this.process.send('close');
    await once(this.process, 'exit');
  }
}
