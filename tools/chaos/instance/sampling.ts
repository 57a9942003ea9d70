import { EventEmitter } from 'node:events';
import { monotonicMs, type SampleRecord } from '../records.js';

/** What this process holds; with `collects` after a garbage collection, for which it needs --expose-gc. */
export function sample(instance: string, collects: boolean): SampleRecord {
  if (collects) collect();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((name) => name === 'Timeout' || name === 'Immediate').length;
  return {
    kind: 'sample',
    instance,
    heapBytes: process.memoryUsage().heapUsed,
    handles: resources.length - timers,
    timers,
    listeners: listeners(),
    wallMs: Date.now(),
    atMs: monotonicMs(),
  };
}

function collect(): void {
  const gc = (globalThis as { gc?: () => void }).gc;
  if (gc === undefined) throw new Error('run with --expose-gc');
  gc();
}

/** Listeners of the process and of everything it has open. */
function listeners(): number {
  const activeHandles: () => unknown[] = Reflect.get(process, '_getActiveHandles');
  const open = activeHandles.call(process);
  const emitters = [process, ...open].filter((one) => one instanceof EventEmitter);
  return emitters.reduce(
    (sum, emitter) => sum + emitter.eventNames().reduce((some, name) => some + emitter.listenerCount(name), 0),
    0,
  );
}
