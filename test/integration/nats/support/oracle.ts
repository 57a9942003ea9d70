import { readFileSync } from 'node:fs';

export interface Verdict {
  readonly handled: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly orderViolations: number;
  readonly overlaps: number;
  /** Handlers that ran when their process was stopped, and whose key somebody else went on with: no broker can prevent that. */
  readonly frozenOverlaps: number;
  /** The first few violations. */
  readonly examples: readonly string[];
}

/** One key of the record. */
interface Lane {
  /** `number/instance` → instance: what runs. */
  readonly open: Map<string, string>;
  readonly ended: Set<number>;
  highest: number;
}

/**
 * Judges a file of `S|E <instance> <key> <number>`, `X <instance>` (killed) and `Z <instance>` (stopped) lines: each is one synchronous
 * append, so that the file's order is the order of events. Numbers of a key begin at 1.
 */
export function judge(file: string, published: ReadonlyMap<string, number>): Verdict {
  const record = new Record();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [what, instance = '', key = '', number = ''] = line.split(' ');
    if (what === 'X') record.killed(instance);
    if (what === 'Z') record.stopped(instance);
    if (what === 'S') record.started(instance, key, Number(number));
    if (what === 'E') record.ended(instance, key, Number(number));
  }
  return record.verdict(published);
}

class Record {
  readonly #lanes = new Map<string, Lane>();
  /** What ran when its process was stopped. */
  readonly #frozen = new Set<string>();
  readonly #frozenOverlaps = new Set<string>();
  readonly #counts = { handled: 0, duplicates: 0, orderViolations: 0, overlaps: 0 };
  readonly #examples: string[] = [];

  killed(instance: string): void {
    for (const { open } of this.#lanes.values()) for (const [run, by] of open) if (by === instance) open.delete(run);
  }

  stopped(instance: string): void {
    for (const [key, { open }] of this.#lanes)
      for (const [run, by] of open) if (by === instance) this.#frozen.add(`${key}/${run}`);
  }

  started(instance: string, key: string, number: number): void {
    const { open } = this.#lane(key);
    for (const [run, by] of open) {
      if (this.#frozen.has(`${key}/${run}`)) this.#frozenOverlaps.add(`${key}/${run}`);
      else {
        this.#counts.overlaps += 1;
        this.#example(`overlap ${key}: ${run} of ${by} runs when ${number} starts on ${instance}`);
      }
    }
    open.set(`${number}/${instance}`, instance);
  }

  ended(instance: string, key: string, number: number): void {
    const lane = this.#lane(key);
    lane.open.delete(`${number}/${instance}`);
    this.#counts.handled += 1;
    if (lane.ended.has(number)) this.#counts.duplicates += 1;
    else if (number < lane.highest) {
      this.#counts.orderViolations += 1;
      this.#example(`order ${key}: ${number} after ${lane.highest} by ${instance}`);
    }
    lane.ended.add(number);
    lane.highest = Math.max(lane.highest, number);
  }

  verdict(published: ReadonlyMap<string, number>): Verdict {
    let lost = 0;
    for (const [key, most] of published)
      for (let n = 1; n <= most; n++) if (this.#lanes.get(key)?.ended.has(n) !== true) lost += 1;
    return { ...this.#counts, lost, frozenOverlaps: this.#frozenOverlaps.size, examples: this.#examples };
  }

  #lane(key: string): Lane {
    const lane = this.#lanes.get(key) ?? { open: new Map<string, string>(), ended: new Set<number>(), highest: 0 };
    this.#lanes.set(key, lane);
    return lane;
  }

  #example(text: string): void {
    if (this.#examples.length < 5) this.#examples.push(text);
  }
}
