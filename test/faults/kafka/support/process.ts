import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { InstanceOrders } from './instance.js';

/** An instance as a process of its own. */
export class InstanceProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly orders: InstanceOrders,
  ) {}

  static async start(orders: InstanceOrders): Promise<InstanceProcess> {
    const script = fileURLToPath(new URL('./instance.ts', import.meta.url));
    const child = fork(script, [JSON.stringify(orders)], { execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return new InstanceProcess(child, orders);
  }

  /** Bodies in the order in which they were done, by all instances that write to this file. */
  get done(): readonly string[] {
    return readFileSync(this.orders.file, 'utf8').split('\n').filter(Boolean);
  }

  async details(): Promise<Record<string, unknown>> {
    const answer = once(this.child, 'message');
    this.child.send('details');
    const [details] = (await answer) as [Record<string, unknown>];
    return details;
  }

  /** Kill -9, in the middle of everything. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
