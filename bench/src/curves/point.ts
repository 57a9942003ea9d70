import type { EventBusOptions, EventContext } from 'nestjs-eventbus';
import { EventHandler } from 'nestjs-eventbus';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import type { Point, Repetition, Setting } from '../measure/configuration.js';
import { type EventData } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { OpenBus } from '../ours/bus.js';
import { filled, laneOf, type Load } from './load.js';
import { openConsumer, openPublisher, remove, settled, type Subject } from './subject.js';

/** What is measured at one x. */
export interface PointPlan {
  readonly x: number;
  readonly load: Load;
  /** How long a handler waits; 0: it ends as soon as promises do. */
  readonly handlerMs: number;
  readonly pools?: EventBusOptions['pools'];
  readonly subject: Omit<Subject, 'setting'>;
  /** Stops after so many milliseconds, with events left. @default when all are handled */
  readonly windowMs?: number;
  /** Handlers, each for a part of the events by their type. @default one for all */
  readonly handlers?: number;
}

const LEFT_AFTER_MS = 500;

/** The sums of a curve's points, as the repetition that they are. */
export async function runCurve(plans: readonly PointPlan[], setting: Setting): Promise<Repetition> {
  const points: Point[] = [];
  const faults: string[] = [];
  for (const plan of plans) {
    const { faults: found, ...figures } = await runPoint(plan, { ...setting, id: `${setting.id}-${plan.x}` });
    points.push({ x: plan.x, ...figures });
    faults.push(...found.map((fault) => `at ${plan.x}: ${fault}`));
  }
  const sum = (of: (point: Point) => number): number => points.reduce((total, point) => total + of(point), 0);
  const events = sum((point) => point.events);
  const seconds = sum((point) => point.seconds);
  const clientMicros = sum((point) => (point.clientMicros ?? 0) * point.events) / events;
  return { events, seconds, clientMicros, brokerMicros: undefined, points, faults };
}

/** Fills topics of its own and handles them; the clock runs from the first event handled to the last. */
async function runPoint(plan: PointPlan, setting: Setting): Promise<Repetition> {
  const topics = plan.subject.topics.map((topic) => topic.replace('ID', setting.id));
  const subject: Subject = { ...plan.subject, topics, setting };
  const publishing = await fill(plan, subject);
  const { load, windowMs } = plan;
  const meter = new Meter(setting.servers.brokerPid);
  const oracle = new MeteredOracle(load.events, meter, load.keys, (n) => laneOf(n, load));
  const open = await openConsumer(subject, handlersOf(plan, topics, oracle), consumingOf(plan));
  const watch = watched(open);
  if (windowMs === undefined) await oracle.untilAll();
  else await untilOver(oracle, windowMs);
  meter.stop();
  const { handled } = oracle;
  const stops = watch.stop();
  if (windowMs === undefined) await settled(subject);
  await open.close();
  await remove(subject);
  const faults = [...publishing.faults, ...oracle.faults(windowMs === undefined ? load.events : oracle.handled)];
  const { rate: publishRate, micros: publishMicros } = publishing;
  return meter.repetition(handled, faults, { extra: { ...stops, publishRate, publishMicros } });
}

/** What is in hand at the end of a window would take long to drain: it is left. */
function consumingOf({ pools = {}, windowMs }: PointPlan): Pick<EventBusOptions, 'pools' | 'shutdownTimeoutMs'> {
  return windowMs === undefined ? { pools } : { pools, shutdownTimeoutMs: LEFT_AFTER_MS };
}

/** So long after the first event. */
async function untilOver(oracle: MeteredOracle, windowMs: number): Promise<void> {
  while (oracle.firstAt === 0) await sleep(1);
  await Promise.race([sleep(windowMs), oracle.untilAll()]);
}

async function fill({ load, handlers = 1 }: PointPlan, subject: Subject) {
  const { bus, close } = await openPublisher(subject);
  const meter = new Meter(undefined);
  meter.start();
  const confirmed = await filled(bus, subject.topics, load, handlers);
  meter.stop();
  await close();
  const faults = confirmed === load.events ? [] : [`${confirmed} of ${load.events} events were confirmed`];
  const { clientMicros = 0 } = meter.repetition(load.events, []);
  return { faults, rate: load.events / meter.seconds, micros: clientMicros };
}

/** How often sources stopped, and the share of the time in which events waited for a worker: by a timer, never per event. */
function watched({ bus }: OpenBus): { stop(): Record<string, number> } {
  let [looks, saturated, inFlight] = [0, 0, 0];
  const timer = setInterval(() => {
    const { pools, consumers } = bus.snapshot();
    looks += 1;
    if (pools.keyed.saturatedSince !== undefined) saturated += 1;
    inFlight = Math.max(
      inFlight,
      consumers.reduce((sum, one) => sum + one.inFlight, 0),
    );
  }, 5);
  return {
    stop: () => {
      clearInterval(timer);
      const { consumers } = bus.snapshot();
      const stopped = (by: 'queue' | 'bytes' | 'key'): number =>
        consumers.reduce((sum, { stops }) => sum + stops[by], 0);
      return {
        queueStops: stopped('queue') + stopped('bytes'),
        keyStops: stopped('key'),
        saturatedPercent: (100 * saturated) / Math.max(1, looks),
        mostInHand: inFlight,
      };
    },
  };
}

function handlersOf({ handlerMs, handlers = 1 }: PointPlan, topics: readonly string[], oracle: MeteredOracle): Type[] {
  const waiting = async (data: EventData, key: string | undefined): Promise<void> => {
    oracle.begin();
    await sleep(handlerMs);
    oracle.take(data, key);
  };
  const handle = (data: EventData, { key }: EventContext): Promise<void> =>
    handlerMs > 0 ? waiting(data, key) : Promise.resolve(oracle.take(data, key));
  return Array.from({ length: handlers }, (_, n) =>
    handlerClass(handlers === 1 ? {} : { type: `type-${n}` }, topics, handle),
  );
}

function handlerClass(
  options: { readonly type?: string },
  topics: readonly string[],
  handle: (data: EventData, event: EventContext) => Promise<void>,
): Type {
  class Handler {
    onEvent(data: EventData, event: EventContext): Promise<void> {
      return handle(data, event);
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Handler.prototype, 'onEvent');
  if (descriptor === undefined) throw new Error('no handler');
  EventHandler([...topics], options)(Handler.prototype, 'onEvent', descriptor);
  return Handler;
}
