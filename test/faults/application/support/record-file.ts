import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Numbered } from '../../../../lib/testing/contract/tools.js';
import { type EventIdentity, type EventRecord, judge, type StartedRecord, type Verdict } from 'nestjs-eventbus/testing';

/** Records of several processes in one file: each is one synchronous append, so that the file's order is that of the events. */
export class RecordFile {
  #runs = 0;

  constructor(
    readonly path: string,
    private readonly instance: string,
  ) {}

  /** Lets go what is held, in all processes. */
  release(): void {
    writeFileSync(`${this.path}.released`, '');
  }

  get isReleased(): boolean {
    return existsSync(`${this.path}.released`);
  }

  published(event: EventIdentity): void {
    this.#append({ ...event, kind: 'published', outcome: 'confirmed' });
  }

  deadLettered(event: EventIdentity, group: string): void {
    this.#append({ ...event, kind: 'dead-lettered', group });
  }

  /** Runs a handler's work between the records of its start and its end. */
  async run(event: EventIdentity, group: string, work: () => unknown): Promise<unknown> {
    const run = `${this.instance}#${(this.#runs += 1)}`;
    this.#append({ ...event, kind: 'started', run, group, instance: this.instance });
    try {
      const result = await work();
      this.#append({ kind: 'ended', run, outcome: 'handled' });
      return result;
    } catch (error) {
      this.#append({ kind: 'ended', run, outcome: 'failed' });
      throw error;
    }
  }

  /** What an instance runs at this moment. */
  running(instance: string): StartedRecord[] {
    const records = this.records();
    const ended = new Set(records.flatMap((record) => (record.kind === 'ended' ? [record.run] : [])));
    return records.filter((record): record is StartedRecord => {
      return record.kind === 'started' && record.instance === instance && !ended.has(record.run);
    });
  }

  /** Instances that have handled an event to the end, one for each time. */
  handledBy({ key, n }: Numbered): string[] {
    const records = this.records();
    const handled = new Set(
      records.flatMap((one) => (one.kind === 'ended' && one.outcome === 'handled' ? one.run : [])),
    );
    return records.flatMap((one) => {
      const isOf = one.kind === 'started' && one.key === key && one.sequence === n && handled.has(one.run);
      return isOf ? (one.instance ?? '') : [];
    });
  }

  /** What the process that had this name was running has ended with it. */
  died(instance: string): void {
    for (const { run } of this.running(instance)) this.#append({ kind: 'ended', run, outcome: 'failed' });
  }

  records(): EventRecord[] {
    const lines = readFileSync(this.path, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as EventRecord);
  }

  verdict(): Verdict {
    return judge(this.records());
  }

  #append(record: EventRecord): void {
    appendFileSync(this.path, `${JSON.stringify(record)}\n`);
  }
}
