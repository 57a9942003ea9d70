import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../faults/index.js';
import type { ChaosBroker } from './broker/broker.js';
import type { Fleet, Instance } from './fleet.js';
import type { HistoryWriter } from './history.js';
import { type FaultRecord, monotonicMs } from './records.js';
import type { PlannedFault } from './schedule.js';

/** What faults act on. */
export interface Field {
  readonly fleet: Fleet;
  readonly broker: ChaosBroker;
  readonly history: HistoryWriter;
  readonly leastInstances: number;
  readonly mostInstances: number;
  /** Names of those that no fault is for. */
  readonly spared: readonly string[];
  /** Handlers that run in an instance at this moment. */
  readonly running: (instance: Instance) => number;
}

/** Inflicts a fault and takes it back. Resolves when it is over; at once when there is nobody it could strike. */
export async function inflict(planned: PlannedFault, field: Field): Promise<void> {
  const { fault } = planned;
  if (fault === 'broker-kill' || fault === 'broker-restart' || fault === 'broker-pause')
    return onBroker(planned, field);
  if (fault === 'join') return join(field);
  const victim = victimOf(planned, field);
  if (victim === undefined) return;
  if (fault === 'kill') return kill(planned, victim, field);
  if (fault === 'leave') return leave(planned, victim, field);
  if (fault === 'stop') return lasting(field, 'stop', victim, () => field.fleet.stop(victim, planned.lengthMs));
  if (fault === 'block') return lasting(field, 'block', victim, () => field.fleet.block(victim, planned.lengthMs));
  return onNetwork(planned, victim, field);
}

/** One that has something to do, if there is one. */
function victimOf({ pick }: PlannedFault, { fleet, running, spared }: Field): Instance | undefined {
  const sound = fleet.sound.filter(({ name }) => !spared.includes(name));
  const busy = sound.filter((instance) => running(instance) > 0);
  const list = busy.length > 0 ? busy : sound;
  return list[Math.floor(pick * list.length)];
}

async function join(field: Field): Promise<void> {
  const { fleet, mostInstances } = field;
  const [oldest] = fleet.sound;
  if (fleet.alive.length >= mostInstances && oldest !== undefined) await fleet.leave(oldest);
  mark(field, 'join', 'begin');
  await fleet.start().up;
  mark(field, 'join', 'end');
}

async function kill({ lengthMs }: PlannedFault, victim: Instance, field: Field): Promise<void> {
  mark(field, 'kill', 'begin', victim);
  await field.fleet.kill(victim);
  await sleep(lengthMs);
  await replace(field);
  mark(field, 'kill', 'end', victim);
}

async function leave({ lengthMs }: PlannedFault, victim: Instance, field: Field): Promise<void> {
  mark(field, 'leave', 'begin', victim);
  await field.fleet.leave(victim);
  await sleep(lengthMs);
  if (field.fleet.alive.length < field.leastInstances) await replace(field);
  mark(field, 'leave', 'end', victim);
}

async function replace({ fleet }: Field): Promise<void> {
  await fleet.start().up;
}

async function onBroker({ fault, lengthMs }: PlannedFault, field: Field): Promise<void> {
  const { controls } = field.broker;
  if (controls === undefined) throw new Error(`${fault} needs a broker of one's own`);
  mark(field, fault, 'begin');
  if (fault === 'broker-pause') controls.pause();
  else await (fault === 'broker-kill' ? controls.kill() : controls.stop());
  await sleep(lengthMs);
  if (fault === 'broker-pause') controls.resume();
  else await controls.restart();
  mark(field, fault, 'end');
}

async function onNetwork(planned: PlannedFault, victim: Instance, field: Field): Promise<void> {
  const { fault, scope, lengthMs } = planned;
  const own = field.broker.proxies[victim.slot];
  const proxies = scope === 'all' ? field.broker.proxies : own === undefined ? [] : [own];
  if (proxies.length === 0) throw new Error(`${fault} needs a broker of one's own`);
  mark(field, fault, 'begin', scope === 'all' ? undefined : victim);
  for (const proxy of proxies) harm(planned, proxy);
  await sleep(lengthMs);
  await Promise.all(proxies.map((proxy) => proxy.heal()));
  mark(field, fault, 'end', scope === 'all' ? undefined : victim);
}

function harm({ fault, pick }: PlannedFault, proxy: FaultProxy): void {
  if (fault === 'cut') proxy.cut();
  if (fault === 'reset') proxy.reset();
  if (fault === 'half-open') proxy.halfOpen(pick < 0.5 ? 'broker' : 'client');
  if (fault === 'blackhole') proxy.blackHole();
  if (fault === 'lose') proxy.lose(pick < 0.5 ? 'to-broker' : 'to-client');
  if (fault === 'hold') proxy.hold();
  if (fault === 'delay') proxy.delay({ latencyMs: 300, jitterMs: 400 });
  if (fault === 'slow') proxy.throttle({ bytesPerSecond: 20_000 });
}

async function lasting(field: Field, fault: string, victim: Instance, strike: () => Promise<void>): Promise<void> {
  mark(field, fault, 'begin', victim);
  await strike();
  mark(field, fault, 'end', victim);
}

function mark({ history }: Field, fault: string, phase: FaultRecord['phase'], victim?: Instance): void {
  const who = victim === undefined ? {} : { instance: victim.name };
  history.write({ kind: 'fault', fault, phase, ...who, atMs: monotonicMs() });
}
