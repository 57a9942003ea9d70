import { describe, expect, it } from 'vitest';
import { EventRecorder } from '../../../lib/testing/event-recorder.js';
import type { EventIdentity, RunIdentity } from '../../../lib/testing/records.js';

const event = (sequence: number, key: string | undefined = 'k'): EventIdentity => ({ topic: 'orders', key, sequence });

function setup(count: number, key?: string): EventRecorder {
  const recorder = new EventRecorder();
  for (let sequence = 1; sequence <= count; sequence += 1) recorder.published(event(sequence, key));
  return recorder;
}

function handle(recorder: EventRecorder, identity: RunIdentity): void {
  recorder.started(identity).ended('handled');
}

describe('the recorder', () => {
  it('finds nothing wrong with events handled once, in order, also after failed attempts', () => {
    const recorder = setup(2);
    recorder.started(event(1)).ended('failed');
    handle(recorder, { ...event(1), attempt: 2 });
    handle(recorder, event(2));

    expect(recorder.verdict()).toEqual({
      published: 2,
      confirmed: 2,
      handled: 2,
      deadLettered: 0,
      lost: [],
      duplicates: [],
      orderViolations: [],
      gaps: [],
    });
  });

  it('sees a confirmed event that was never handled', () => {
    const recorder = setup(3);
    handle(recorder, event(1));
    recorder.started(event(2)).ended('failed');
    recorder.started(event(3));

    expect(recorder.verdict().lost).toEqual([event(2), event(3)]);
  });

  it('does not call lost what was not confirmed, or has a dead letter', () => {
    const recorder = setup(1);
    recorder.published(event(2), 'unknown');
    recorder.published(event(3), 'rejected');
    recorder.deadLettered(event(1));

    expect(recorder.verdict()).toMatchObject({ published: 3, confirmed: 1, deadLettered: 1, lost: [] });
  });

  it('sees an event handled twice, also by two instances', () => {
    const recorder = setup(1);
    handle(recorder, { ...event(1), instance: 'a' });
    handle(recorder, { ...event(1), instance: 'b' });
    handle(recorder, { ...event(1), instance: 'b' });

    expect(recorder.verdict()).toMatchObject({
      handled: 1,
      duplicates: [{ ...event(1), extra: 2 }],
      orderViolations: [],
    });
  });

  it('sees an event completed after a later one', () => {
    const recorder = setup(2);
    handle(recorder, event(2));
    handle(recorder, event(1));

    expect(recorder.verdict().orderViolations).toEqual([{ ...event(1), group: '', kind: 'completed-late', other: 2 }]);
  });

  it('does not call a replay out of order', () => {
    const recorder = setup(2);
    for (const sequence of [1, 2, 1, 2]) handle(recorder, event(sequence));

    expect(recorder.verdict()).toMatchObject({ orderViolations: [], duplicates: [{ extra: 1 }, { extra: 1 }] });
  });

  it('sees two handlers of one key running at once, also in two instances', () => {
    const recorder = setup(2);
    const first = recorder.started({ ...event(1), instance: 'a' });
    const second = recorder.started({ ...event(2), instance: 'b' });
    first.ended('handled');
    second.ended('handled');

    expect(recorder.verdict().orderViolations).toEqual([{ ...event(2), group: '', kind: 'overlap', other: 1 }]);
  });

  it('counts a gap apart, and not as a violation', () => {
    const recorder = setup(3);
    handle(recorder, event(1));
    recorder.deadLettered(event(2));
    handle(recorder, event(3));

    expect(recorder.verdict()).toMatchObject({ lost: [], orderViolations: [], gaps: [event(2)] });
  });

  it('expects no order of keyless events, nor across keys, topics, groups or handlers', () => {
    const recorder = new EventRecorder();
    const runs: RunIdentity[] = [
      { topic: 'orders', key: undefined, sequence: 2 },
      { topic: 'orders', key: undefined, sequence: 1 },
      { topic: 'orders', key: 'a', sequence: 9 },
      { topic: 'orders', key: 'b', sequence: 1 },
      { topic: 'mails', key: 'a', sequence: 1 },
      { topic: 'orders', key: 'a', sequence: 3, group: 'audit' },
      { topic: 'orders', key: 'a', sequence: 4, handler: 'other' },
    ];
    const open = runs.map((run) => recorder.started(run));
    for (const run of open) run.ended('handled');

    expect(recorder.verdict()).toMatchObject({ orderViolations: [], duplicates: [] });
  });

  it('judges one group by itself', () => {
    const recorder = setup(1);
    handle(recorder, { ...event(1), group: 'billing' });

    expect(recorder.verdict('billing').lost).toEqual([]);
    expect(recorder.verdict('audit').lost).toEqual([event(1)]);
  });

  it('records the start and end of work it runs, and passes on how the work ends', async () => {
    const recorder = setup(2);
    const failure = new Error('no');

    expect(await recorder.run(event(1), () => 'done')).toBe('done');
    await expect(recorder.run(event(2), () => Promise.reject(failure))).rejects.toBe(failure);

    expect(recorder.verdict()).toMatchObject({ handled: 1, lost: [event(2)] });
    expect(recorder.completions).toBe(1);
  });

  it('takes over the records of another process', () => {
    const [here, there] = [setup(1), new EventRecorder()];
    handle(there, { ...event(1), instance: 'there' });
    here.add(JSON.parse(JSON.stringify(there.records)));

    expect(here.verdict()).toMatchObject({ handled: 1, lost: [] });
  });
});
