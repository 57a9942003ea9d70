import type { Task } from '../../../lib/pools/worker-pool.js';

/** What one attempt of a task does: ends or asks for a wait, at once or when it is told to. */
export interface Attempt {
  readonly ends: 'synchronously' | 'by throwing' | 'when told' | 'by rejecting when told';

  /** The milliseconds it asks to wait; without it the task ends. */
  readonly waitMs?: number;
}

/** Told of everything that a pool does to a task. */
export interface Observer {
  started?(task: ScriptedTask): void;
  attempted?(task: ScriptedTask, waitMs: number | 'defect' | undefined): void;
  dropped?(task: ScriptedTask): void;
}

export interface Script {
  readonly name?: string;
  readonly group?: string;
  readonly origin?: object;
  readonly attempts?: readonly Attempt[];
  readonly observer?: Observer;
  readonly isCurrent?: () => boolean;
}

const ORIGIN = {};

/** A task that does as its script says, and counts what is done to it. Without a script it ends synchronously. */
export class ScriptedTask implements Task {
  readonly name: string;
  readonly group: string;
  readonly origin: object;
  starts = 0;
  drops = 0;
  isPending = false;

  readonly #script: Script;
  #tell: (() => void) | undefined;

  constructor(script: Script = {}) {
    this.#script = script;
    this.name = script.name ?? '';
    this.group = script.group ?? 'group';
    this.origin = script.origin ?? ORIGIN;
  }

  isCurrent(): boolean {
    return this.#script.isCurrent?.() ?? true;
  }

  run(): number | undefined | Promise<number | undefined> {
    const attempt = this.#script.attempts?.[this.starts];
    this.starts += 1;
    this.#script.observer?.started?.(this);
    if (attempt?.ends === 'when told' || attempt?.ends === 'by rejecting when told') return this.#pending(attempt);

    this.#script.observer?.attempted?.(this, attempt?.ends === 'by throwing' ? 'defect' : attempt?.waitMs);
    if (attempt?.ends === 'by throwing') throw new Error(`${this.name} throws`);
    return attempt?.waitMs;
  }

  dropped(): void {
    this.drops += 1;
    this.#script.observer?.dropped?.(this);
  }

  /** Lets the pending attempt end as its script says. */
  tell(): void {
    this.#tell?.();
  }

  #pending(attempt: Attempt): Promise<number | undefined> {
    this.isPending = true;
    return new Promise((resolve, reject) => {
      this.#tell = () => {
        this.isPending = false;
        const isRejected = attempt.ends === 'by rejecting when told';
        this.#script.observer?.attempted?.(this, isRejected ? 'defect' : attempt.waitMs);
        if (isRejected) reject(new Error(`${this.name} rejects`));
        else resolve(attempt.waitMs);
      };
    });
  }
}

/** Lets promises that have settled be seen by those who wait for them. */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < 8; i += 1) await Promise.resolve();
}
