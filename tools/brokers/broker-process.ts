import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerStartError } from './unavailable.js';
import { Watchdog } from './watchdog.js';

/** What a test may do to a broker of its own. */
export interface BrokerControls {
  /** Ends it in good order. Its data stay for `restart`, until `remove` or the end of this process. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  /** SIGCONT */
  resume(): void;
  /** Starts it on the same port with the same data, after stopping it if it runs; resolves when it answers. */
  restart(): Promise<void>;
  /** Ends it at once, as its data go with it. */
  remove(): Promise<void>;
}

/** How to launch a broker and to know that it is up. */
export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asked every 20 ms with the log of this launch. */
  readonly isReady: (log: string) => boolean | Promise<boolean>;
  /** @default 60_000 */
  readonly startTimeoutMs?: number;
}

const STOP_TIMEOUT_MS = 20_000;

/** A fresh folder for one broker, below the system's folder for temporary files. */
export function freshFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `eventbus-${name}-`));
}

/** One broker process at a time, with a folder that goes when it is removed or this process ends. */
export class BrokerProcess implements BrokerControls {
  readonly #folder: string;
  readonly #launch: Launch;
  readonly #watchdog: Watchdog;
  #child: ChildProcess | undefined;
  #launches = 0;

  constructor(folder: string, launch: Launch) {
    this.#folder = folder;
    this.#launch = launch;
    this.#watchdog = new Watchdog(folder);
  }

  /** The running process's id. @throws Error when none runs */
  get pid(): number {
    const pid = this.#running?.pid;
    if (pid === undefined) throw new Error(`${this.#launch.name} is not running.`);
    return pid;
  }

  /** What the last launch has printed. */
  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  /** @throws BrokerStartError with what its log says */
  async start(): Promise<void> {
    this.spawn();
    await this.untilReady();
  }

  /** Launches without waiting: what `start` does first. */
  spawn(): void {
    this.#launches += 1;
    const log = openSync(this.#logFile, 'w');
    const { command, args, env = process.env } = this.#launch;
    const child = spawn(command, [...args], { cwd: this.#folder, env, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref();
    child.on('error', () => undefined);
    child.once('exit', () => {
      if (this.#child === child) this.#watchdog.guard(undefined);
    });
    this.#child = child;
    this.#watchdog.guard(child.pid);
  }

  /** Waits for what `spawn` has launched. @throws BrokerStartError with what its log says */
  async untilReady(): Promise<void> {
    const { name, isReady, startTimeoutMs = 60_000 } = this.#launch;
    const deadline = Date.now() + startTimeoutMs;

    while (this.#running !== undefined) {
      if (await isReady(await this.log())) return;
      if (Date.now() > deadline) {
        await this.kill();
        throw await this.#startError(`${name} did not answer within ${startTimeoutMs} ms`);
      }
      await sleep(20);
    }
    throw await this.#startError(`${name} ended while it was starting`);
  }

  async stop(): Promise<void> {
    const child = this.#running;
    if (child === undefined) return;
    this.resume();
    await this.#end(child, 'SIGTERM');
  }

  async kill(): Promise<void> {
    const child = this.#running;
    if (child !== undefined) await this.#end(child, 'SIGKILL');
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.#watchdog.dismiss();
  }

  get #logFile(): string {
    return join(this.#folder, `launch-${this.#launches}.log`);
  }

  get #running(): ChildProcess | undefined {
    const child = this.#child;
    const hasEnded = child?.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    return hasEnded ? undefined : child;
  }

  async #end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.ref();
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  async #startError(what: string): Promise<BrokerStartError> {
    return new BrokerStartError(what, await this.log());
  }
}

/** Whether a broker could not start because somebody else has its port. */
export function lostPort(error: unknown): boolean {
  return error instanceof BrokerStartError && /address already in use/i.test(error.log);
}
