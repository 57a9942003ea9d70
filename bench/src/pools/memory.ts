import { EventHandler } from 'nestjs-eventbus';
import type { Type } from '@nestjs/common';
import { KeyedWorkerPool } from '../../../lib/pools/keyed-pool.js';
import type { Task } from '../../../lib/pools/worker-pool.js';
import type { Configuration, Repetition } from '../measure/configuration.js';
import { Meter } from '../measure/meter.js';
import { openBus } from '../ours/bus.js';
import { readyMessages, TOPIC } from './dispatch.js';
import { Loopback } from './loopback.transport.js';

const KEYS = 1_000_000;
const WAITING = 100_000;
const WORKERS = 256;

/** Bytes that are in use, after garbage was collected. */
function usedBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A door that tasks wait at until it is opened. */
class Door {
  open: () => void = () => undefined;
  readonly opened = new Promise<undefined>((resolve) => {
    this.open = () => resolve(undefined);
  });
}

class Waiting implements Task {
  readonly group = 'bench';

  constructor(
    readonly origin: Door,
    private readonly ended: () => void,
  ) {}

  isCurrent(): boolean {
    return true;
  }

  async run(): Promise<undefined> {
    await this.origin.opened;
    this.ended();
  }

  dropped(): void {
    // counted by the pool
  }
}

/** A million events of a million keys wait in the keyed pool alone, and run; then the keys are idle. */
async function aMillionKeys(): Promise<Repetition> {
  const defects: unknown[] = [];
  const pool = new KeyedWorkerPool({ workers: WORKERS, onDefect: (error) => defects.push(error) });
  const door = new Door();
  let ended = 0;
  const before = usedBytes();
  const meter = new Meter(undefined);
  meter.start();
  for (let n = 0; n < KEYS; n++) pool.submit(new Waiting(door, () => (ended += 1)), `order-${n}`);
  const waiting = usedBytes();
  door.open();
  await pool.idle();
  meter.stop();
  const idle = usedBytes();
  pool.close();
  const faults = ended === KEYS && defects.length === 0 ? [] : [`${ended} of ${KEYS} tasks have run`];
  const extra = { bytesAnEvent: (waiting - before) / KEYS, bytesAnIdleKey: (idle - before) / KEYS };
  return meter.repetition(KEYS, faults, { extra });
}

/** What an event that waits takes beside its payload: in the bus, behind handlers that do not end. */
async function waitingEvents(): Promise<Repetition> {
  const door = new Door();
  let handled = 0;
  const transport = new Loopback(TOPIC, 'bench');
  const pools = { keyed: { queueSize: 2 * WAITING, queueSizePerKey: WAITING }, queueSizeBytes: 2 ** 32 };
  const handler = waitingHandler(door, () => (handled += 1));
  const { close } = await openBus({ transport, group: 'bench', pools }, [handler]);
  const messages = readyMessages();
  const before = usedBytes();
  const meter = new Meter(undefined);
  meter.start();
  const settled = transport.deliverAll(messages, WAITING);
  for (let turn = 0; turn < WAITING / 500; turn++) await new Promise((resolve) => setImmediate(resolve));
  const waiting = usedBytes();
  door.open();
  await settled;
  meter.stop();
  await close();
  const faults = handled === WAITING ? [] : [`${handled} of ${WAITING} events were handled`];
  return meter.repetition(WAITING, faults, { extra: { bytesAnEvent: (waiting - before) / WAITING } });
}

function waitingHandler(door: Door, ended: () => void): Type {
  class WaitingHandler {
    @EventHandler(TOPIC)
    async onEvent(): Promise<void> {
      await door.opened;
      ended();
    }
  }
  return WaitingHandler;
}

export const MEMORY: readonly Configuration[] = [
  {
    id: 'pools/memory/million-keys',
    title: '1,000,000 waiting events of as many keys, the keyed pool alone',
    by: 'ours',
    run: aMillionKeys,
  },
  {
    id: 'pools/memory/waiting',
    title: `${WAITING.toLocaleString('en')} waiting events, without their payload`,
    by: 'ours',
    run: waitingEvents,
  },
];
