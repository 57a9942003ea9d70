import { monotonicNow } from '../../../lib/core/clock.js';
import type { MonotonicClock } from '../../../lib/core/clock.js';
import { GlobalWorkerPool } from '../../../lib/pools/global-pool.js';
import { KeyedWorkerPool } from '../../../lib/pools/keyed-pool.js';
import type { Task } from '../../../lib/pools/worker-pool.js';
import { ScriptedTask } from './scripted-task.js';
import type { Script } from './scripted-task.js';

export interface Defect {
  readonly error: unknown;
  readonly task: Task;
}

/** A pool of each kind, and tasks that tell what is done to them, in order. */
export function setup(workers = 1, now: MonotonicClock = monotonicNow) {
  const defects: Defect[] = [];
  const log: string[] = [];
  const options = { workers, now, onDefect: (error: unknown, task: Task) => void defects.push({ error, task }) };
  const observer = {
    started: (task: ScriptedTask) => void log.push(`${task.name} starts`),
    dropped: (task: ScriptedTask) => void log.push(`${task.name} is dropped`),
  };
  const task = (name: string, script: Script = {}): ScriptedTask => new ScriptedTask({ name, observer, ...script });

  /** It keeps its worker until it is told to end. */
  const pending = (name: string, script: Script = {}): ScriptedTask =>
    task(name, { attempts: [{ ends: 'when told' }], ...script });

  /** Its first attempt asks for a wait, its second ends. */
  const retried = (name: string, waitMs: number, script: Script = {}): ScriptedTask =>
    task(name, { attempts: [{ ends: 'synchronously', waitMs }], ...script });

  const keyed = new KeyedWorkerPool(options);
  const global = new GlobalWorkerPool(options);
  return { keyed, global, defects, log, task, pending, retried };
}
