import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Configuration, Latency, Repetition, Setting } from '../measure/configuration.js';
import { dataOf, type EventData, microsNow } from '../measure/events.js';
import { Meter } from '../measure/meter.js';

/** The publishing half of a pair. */
export interface Sender {
  /** Publishes events 0 to `count` as fast as it goes. @returns how many were confirmed, when all have ended */
  sendAll(count: number): Promise<number>;
  /** Publishes one, without waiting. */
  send(data: EventData): void;
  /** Resolves when all have ended, with how many were confirmed. */
  flush(): Promise<number>;
  close(): Promise<void>;
}

/** Told of every event that is handled. */
export type Take = (data: EventData, key: string | undefined) => void;

/** Both halves of what goes from one process to another. */
export interface PairParts {
  /** Makes the topic. */
  prepare(setting: Setting, topic: string): Promise<void>;
  /** In the other process: resolves when events would be handled. @returns how to stop */
  consume(setting: Setting, topic: string, take: Take): Promise<() => Promise<void>>;
  open(setting: Setting, topic: string): Promise<Sender>;
  /** Takes the topic away. */
  remove(setting: Setting, topic: string): Promise<void>;
}

/** A configuration with a half in another process. */
export interface PairConfiguration extends Configuration {
  readonly parts: PairParts;
}

/** What the consuming half says at its end. */
export interface HalfResult {
  readonly lastAtMicros: number;
  readonly cpuMicros: number;
  readonly latencyMs: Latency;
  readonly faults: readonly string[];
}

/** What is asked of the consuming half at its start. */
export interface HalfTask {
  readonly id: string;
  readonly setting: Setting;
  readonly topic: string;
  readonly events: number;
}

type About = Omit<Configuration, 'run'>;

/** Publish to handled, as fast as it goes. @param share of the events that the others have, for who is slow */
export function throughputPair(about: About, parts: PairParts, share = 1): PairConfiguration {
  const run = (setting: Setting): Promise<Repetition> =>
    runPair(about.id, parts, setting, setting.scale.pairEvents * share, (sender, count) => sender.sendAll(count));
  return { ...about, parts, run };
}

/** Publish call to handler start, at 1,000 events a second. */
export function latencyPair(about: About, parts: PairParts): PairConfiguration {
  const run = (setting: Setting): Promise<Repetition> =>
    runPair(about.id, parts, setting, setting.scale.latencyMs, paced);
  return { ...about, parts, run };
}

async function runPair(
  id: string,
  parts: PairParts,
  setting: Setting,
  events: number,
  send: (sender: Sender, events: number) => Promise<number>,
): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await parts.prepare(setting, topic);
  const half = await Half.start({ id, setting, topic, events });
  const sender = await parts.open(setting, topic);
  const meter = new Meter(setting.servers.brokerPid);
  const startedAt = microsNow();
  meter.start();
  const confirmed = await send(sender, events);
  const result = await half.result();
  meter.stop();
  await sender.close();
  await half.ended();
  await parts.remove(setting, topic);
  const faults = confirmed === events ? result.faults : [`${confirmed} of ${events} were confirmed`, ...result.faults];
  return meter.repetition(events, faults, {
    seconds: (result.lastAtMicros - startedAt) / 1e6,
    otherMicros: result.cpuMicros,
    latencyMs: result.latencyMs,
  });
}

/** One event a millisecond, whatever the timers do: what is late is caught up with. */
async function paced(sender: Sender, events: number): Promise<number> {
  const startedAt = performance.now();
  for (let sent = 0; sent < events;) {
    const due = Math.min(events, Math.floor(performance.now() - startedAt));
    for (; sent < due; sent++) sender.send(dataOf(sent, { at: microsNow() }));
    await sleep(1);
  }
  return sender.flush();
}

/** The other process. */
class Half {
  readonly #child;
  readonly #result: Promise<HalfResult>;
  readonly #ended: Promise<void>;

  static async start(task: HalfTask): Promise<Half> {
    const half = new Half();
    const ready = half.#next<{ ready: true }>('ready');
    half.#child.send(task);
    await ready;
    return half;
  }

  private constructor() {
    this.#child = fork(fileURLToPath(new URL('half.js', import.meta.url)), { serialization: 'advanced' });
    this.#result = this.#next<{ result: HalfResult }>('result').then(({ result }) => result);
    this.#result.catch(() => undefined);
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  result(): Promise<HalfResult> {
    return this.#result;
  }

  ended(): Promise<void> {
    if (this.#child.connected) this.#child.send('stop');
    return this.#ended;
  }

  #next<M>(field: string): Promise<M> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (message: M & Record<string, unknown>) => {
        if (field in message) resolve(message);
      });
      this.#child.once('exit', (code) => reject(new Error(`the consuming half ended with exit code ${code}`)));
    });
  }
}
