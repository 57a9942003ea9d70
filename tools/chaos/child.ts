import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Watchdog } from '../brokers/watchdog.js';
import type { Answer, Command, ProcessOrders } from './instance/orders.js';

/** How to start a process of a run. */
export interface ChildOptions {
  readonly script: string;
  readonly orders: ProcessOrders;
  /** What it prints goes there. */
  readonly log: string;
  /** A folder of its own, removed when it ends. */
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
}

const START_TIMEOUT_MS = 120_000;

/** A process of a run. It ends with this one, however that happens, also while it is stopped. */
export class Child {
  readonly #process: ChildProcess;
  readonly #watchdog: Watchdog;
  readonly #log: string;

  constructor({ script, orders, log, folder, env = {} }: ChildOptions) {
    mkdirSync(dirname(log), { recursive: true });
    this.#log = log;
    const file = openSync(log, 'a');
    this.#process = fork(script, [JSON.stringify(orders)], {
      // A session of its own: Ctrl-C is for the harness, and the scheduler takes each instance for a program like any other.
      detached: true,
      execArgv: ['--expose-gc', '--enable-source-maps=false'],
      env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', ...env },
      stdio: ['ignore', file, file, 'ipc'],
    });
    closeSync(file);
    mkdirSync(folder, { recursive: true });
    this.#watchdog = new Watchdog(folder);
    this.#watchdog.guard(this.#process.pid);
    this.#process.once('exit', () => void this.#watchdog.dismiss());
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Undefined while it runs. */
  get exit(): { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined {
    return this.isRunning ? undefined : { code: this.#process.exitCode, signal: this.#process.signalCode };
  }

  /** Resolves when it answers so. @throws Error with its log when it ends before, or does not answer for two minutes */
  async until<Is extends Answer['is']>(is: Is): Promise<Extract<Answer, { is: Is }>> {
    const ended = new AbortController();
    const answer = new Promise<Extract<Answer, { is: Is }>>((resolve) => {
      const listener = (message: Answer): void => {
        if (message.is === is) resolve(message as Extract<Answer, { is: Is }>);
      };
      this.#process.on('message', listener);
      ended.signal.addEventListener('abort', () => this.#process.off('message', listener));
    });
    const timer = AbortSignal.any([ended.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    const failed = once(this.#process, 'exit', { signal: timer }).then(
      () => Promise.reject(new Error(`a process ended before it was "${is}":\n${this.log().slice(-2_000)}`)),
      () => Promise.reject(new Error(`a process was not "${is}" in time:\n${this.log().slice(-2_000)}`)),
    );
    try {
      return await Promise.race([answer, failed]);
    } finally {
      ended.abort();
      failed.catch(() => undefined);
    }
  }

  tell(command: Command): void {
    if (this.#process.connected) this.#process.send(command, () => undefined);
  }

  /** @returns false when it had ended already */
  signal(name: NodeJS.Signals): boolean {
    return this.isRunning && this.#process.kill(name);
  }

  /** Resolves when it has ended, at once when it has. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.#process, 'exit');
  }

  onExit(listener: () => void): void {
    this.#process.once('exit', listener);
  }

  /** What it has printed. */
  log(): string {
    return readFileSync(this.#log, 'utf8');
  }
}
