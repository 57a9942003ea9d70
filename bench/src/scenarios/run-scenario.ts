import { setTimeout as sleep } from 'node:timers/promises';
import { jsonEnvelopeCodec } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import { brokerFaults, kafkaOptions, natsOptions, sourceCount } from '../../../tools/scenarios/broker.js';
import { namesOf, type RunNames } from '../../../tools/scenarios/names.js';
import { Oracle } from '../../../tools/scenarios/oracle.js';
import { type Kind, planSenders } from '../../../tools/scenarios/workload.js';
import type { Point, Repetition, Setting } from '../measure/configuration.js';
import { Meter } from '../measure/meter.js';
import { openBus, untilSources } from '../ours/bus.js';
import { receiver } from './receiver.js';
import type { Send } from './senders.js';

/** One of the reference workloads. */
export interface Workload {
  readonly on: 'nats' | 'kafka';
  readonly kind: Kind;
  readonly send: Send;
  /** @default 0 */
  readonly handlerMs?: number;
}

const STALLED_AFTER_MS = 30_000;

/** The workload at each of these numbers of events: one point each. */
export async function runLoads(workload: Workload, counts: readonly number[], setting: Setting): Promise<Repetition> {
  const points: Point[] = [];
  const faults: string[] = [];
  for (const count of counts) {
    const { faults: found, ...figures } = await runScenario(workload, count, setting);
    points.push({ x: count, ...figures });
    faults.push(...found.map((fault) => `${count} events: ${fault}`));
  }
  const sum = (of: (point: Point) => number): number => points.reduce((total, point) => total + of(point), 0);
  const events = sum((point) => point.events);
  return {
    events,
    seconds: sum((point) => point.seconds),
    clientMicros: sum((point) => (point.clientMicros ?? 0) * point.events) / events,
    brokerMicros: sum((point) => (point.brokerMicros ?? 0) * point.events) / events,
    points,
    extra: growthOf(points),
    faults,
  };
}

/** The mean rate over the four loads, and the least that a load reached of the rate of the next smaller one. */
function growthOf(points: readonly Point[]): Record<string, number> {
  const rates = points.filter(({ x }) => x <= 10_000).map(({ events, seconds }) => events / seconds);
  const steps = rates.slice(1).map((rate, index) => rate / (rates[index] ?? rate));
  return { meanRate: rates.reduce((total, rate) => total + rate, 0) / rates.length, leastStep: Math.min(...steps, 1) };
}

/** One run, in topics of its own; from the first publish to the last event handled. */
export async function runScenario(workload: Workload, count: number, setting: Setting): Promise<Repetition> {
  const { on, kind, send, handlerMs = 0 } = workload;
  const names = namesOf(`${setting.id}-${count}`);
  const senders = planSenders(kind, count);
  const sent = senders.reduce((total, events) => total + events.length, 0);
  const [oracle, meter] = [new Oracle(sent), new Meter(setting.servers.brokerPid)];
  const onAll = (): void => meter.stop();
  const { topics } = names;
  const { bus, close } = await start(
    workload,
    names,
    setting,
    receiver({ kind, topics, senders, oracle, handlerMs, onAll }),
  );
  meter.start();
  await send({ bus, topics, senders, oracle });
  await bus.flush();
  await untilReceived(oracle, sent);
  const { published } = bus.snapshot().totals;
  await close();
  const faults = [
    ...faultsOf(oracle, sent, published),
    ...(await brokerFaults(on, names, serversOf(setting, on), sent)),
  ];
  const seconds = (oracle.lastReceivedAt - oracle.firstSentAt) / 1_000;
  return meter.repetition(sent, faults, { seconds, latencyMs: oracle.latencyMs });
}

async function start(
  { on, kind }: Workload,
  names: RunNames,
  setting: Setting,
  handler: ReturnType<typeof receiver>,
): ReturnType<typeof openBus> {
  const servers = serversOf(setting, on);
  const open = await openBus(
    {
      transport:
        on === 'nats' ? natsTransport(natsOptions(kind, names, servers)) : kafkaTransport(kafkaOptions(names, servers)),
      group: names.group,
      ...(kind === 'envelope' ? { codec: jsonEnvelopeCodec() } : {}),
    },
    [handler],
  );
  await untilSources(open, sourceCount(on));
  return open;
}

function serversOf({ servers }: Setting, on: Workload['on']): string {
  return (on === 'nats' ? servers.nats : servers.kafka?.join(',')) ?? '';
}

/** Ours counts what is lost, what came twice and what came out of order apart; the reference took a gap for order. */
function faultsOf({ received, duplicates, orderViolations }: Oracle, sent: number, confirmed: number): string[] {
  const faults: string[] = [];
  if (confirmed !== sent) faults.push(`${sent - confirmed} of ${sent} publishes were not confirmed`);
  if (received !== sent) faults.push(`${sent - received} of ${sent} events were lost`);
  if (duplicates > 0) faults.push(`${duplicates} events came twice`);
  if (orderViolations > 0) faults.push(`${orderViolations} events were behind a later one of their aggregate`);
  return faults;
}

async function untilReceived(oracle: Oracle, sent: number): Promise<void> {
  for (let last = -1, since = performance.now(); oracle.received < sent; await sleep(5)) {
    if (oracle.received !== last) [last, since] = [oracle.received, performance.now()];
    if (performance.now() - since > STALLED_AFTER_MS) return;
  }
}
