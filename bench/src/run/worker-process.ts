import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Repetition, Setting } from '../measure/configuration.js';
import type { Answer, Order } from '../process/worker.js';

/** Where what start.mjs has compiled lies. */
const COMPILED = join(import.meta.dirname, '..', '..', 'dist', 'bench', 'src');
const REPETITION_TIMEOUT_MS = 180_000;

/** One configuration's process, seen from the run. Started at its first repetition, and again when it has ended since. */
export class WorkerProcess {
  readonly #id: string;
  #child: ChildProcess | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  /** @throws Error when the process ends, does not answer in time, or says that it failed */
  async repetition(setting: Setting, profile?: string): Promise<Repetition> {
    const order: Order = { setting, profile };
    if (this.#child?.connected !== true) this.#child = await this.#start();
    const child = this.#child;
    const answer = this.#answer<Answer>(child, (message) => 'repetition' in message || 'failure' in message);
    child.send(order);
    const answered = await answer;
    if ('failure' in answered) throw new Error(answered.failure);
    return answered.repetition;
  }

  /** Its process ends. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(join(COMPILED, 'process', 'worker.js'), [this.#id], { execArgv: ['--expose-gc'] });
    await this.#answer(child, (message: object) => 'ready' in message);
    return child;
  }

  #answer<M extends object>(child: ChildProcess, isIt: (message: M) => boolean): Promise<M> {
    return new Promise((resolve, reject) => {
      const end = (error: Error | undefined, message?: M): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        if (message === undefined) reject(error ?? new Error('no answer'));
        else resolve(message);
      };
      const onMessage = (message: M): void => {
        if (isIt(message)) end(undefined, message);
      };
      const onExit = (code: number | null): void => end(new Error(`${this.#id} ended with exit code ${code}`));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        end(new Error(`${this.#id} did not answer within ${REPETITION_TIMEOUT_MS} ms`));
      }, REPETITION_TIMEOUT_MS);
      child.on('message', onMessage);
      child.once('exit', onExit);
    });
  }
}
