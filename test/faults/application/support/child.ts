import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildOrders } from './app.child.js';

/** An instance of the application in a process of its own. */
export class AppChild {
  /** What it has said, the first thing first. */
  readonly said: string[] = [];
  readonly #process: ChildProcess;

  private constructor(orders: ChildOrders) {
    const script = fileURLToPath(new URL('./app.child.ts', import.meta.url));
    this.#process = fork(script, [JSON.stringify(orders)], {
      execArgv: ['--import', 'tsx'],
      silent: process.env['EVENTBUS_CHILD_LOG'] === undefined,
    });
    this.#process.on('message', (message) => void this.said.push(JSON.stringify(message)));
  }

  /** Resolves when it consumes. */
  static async start(orders: ChildOrders): Promise<AppChild> {
    const child = new AppChild(orders);
    await Promise.race([once(child.#process, 'message'), child.#earlyEnd()]);
    return child;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Resolves with its exit code once it has ended by itself. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.#process, 'exit');
    return this.#process.exitCode;
  }

  async close(): Promise<void> {
    if (this.hasEnded) return;
    this.#process.send('close');
    await once(this.#process, 'exit');
  }

  /** Stops it where it is, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async #earlyEnd(): Promise<never> {
    const errors: string[] = [];
    this.#process.stderr?.on('data', (chunk: Buffer) => void errors.push(chunk.toString()));
    const [code]: unknown[] = await once(this.#process, 'exit');
    throw new Error(`The child ended with ${String(code)}: ${errors.join('').slice(-2_000)}`);
  }
}
