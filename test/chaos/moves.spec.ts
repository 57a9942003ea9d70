import { describe, expect, it } from 'vitest';
import type { EndRecord, LifeRecord, StartRecord } from '../../tools/chaos/records.js';
import { MovesWatch } from '../../tools/guarantees/moves.js';

describe('the watch of moves', () => {
  function setup() {
    const watch = new MovesWatch();
    let runs = 0;
    return {
      watch,
      life: (instance: string, is: LifeRecord['is'], atMs: number): void =>
        watch.take({ kind: 'life', instance, is, atMs }),
      handles: (instance: string, partition: number, atMs: number, forMs = 5): void => {
        const run = `r${(runs += 1)}`;
        const start: StartRecord = {
          kind: 'start',
          instance,
          run,
          key: 'k',
          sequence: runs,
          attempt: 1,
          position: `${partition}:${runs}`,
          atMs,
        };
        const end: EndRecord = { kind: 'end', instance, run, outcome: 'handled', atMs: atMs + forMs };
        watch.take(start);
        watch.take(end);
      },
    };
  }

  it('sees what a join takes from the living, how long it drains and how long nothing of it runs', () => {
    const { watch, life, handles } = setup();
    life('a', 'up', 0);
    handles('a', 0, 10);
    handles('a', 1, 20, 700);
    life('b', 'up', 100);
    handles('b', 1, 920);

    expect(watch.moves).toEqual([
      expect.objectContaining({
        partition: '1',
        from: 'a',
        to: 'b',
        after: 'join',
        isHandedOver: true,
        isToNewcomer: true,
        drainMs: 700,
        pauseMs: 900,
      }),
    ]);
    expect(watch.joins).toEqual(['a', 'b']);
  });

  it('takes for needless what goes from one that lives to one that has long been there', () => {
    const { watch, life, handles } = setup();
    life('a', 'up', 0);
    life('b', 'up', 0);
    handles('a', 0, 10);
    handles('b', 1, 10);
    handles('b', 0, 60_000);

    expect(watch.moves).toEqual([expect.objectContaining({ isHandedOver: true, isToNewcomer: false })]);
  });

  it('names what had happened: nothing is handed over by what was killed, has left or is stopped', () => {
    const { watch, life, handles } = setup();
    for (const name of ['a', 'b', 'c', 'd']) life(name, 'up', 0);
    ['a', 'b', 'c'].forEach((name, partition) => handles(name, partition, 10));
    life('a', 'gone', 100);
    handles('d', 0, 200);
    life('b', 'leaving', 300);
    life('b', 'gone', 350);
    handles('d', 1, 400);
    life('c', 'frozen', 500);
    handles('d', 2, 600);

    expect(watch.moves.map(({ after, isHandedOver }) => [after, isHandedOver])).toEqual([
      ['kill', false],
      ['leave', false],
      ['stop', false],
    ]);
  });
});
