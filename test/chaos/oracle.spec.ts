import { describe, expect, it } from 'vitest';
import { inconclusiveOf, violationsOf } from '../../tools/chaos/oracle/verdict.js';
import { history } from './histories.js';

describe('the chaos oracle', () => {
  it('finds nothing in a run where everything went well', () => {
    const verdict = history()
      .confirmed('a:1', 'a:2')
      .fault('kill', 'i1')
      .handles('i1', 'a:1')
      .handles('i1', 'a:2')
      .settled(3)
      .verdict();
    expect(violationsOf(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ published: 2, confirmed: 2, stored: 2, handled: 2, looks: 1 });
  });

  describe('lost', () => {
    it('is what the log has and nobody handled to the end', () => {
      const verdict = history().confirmed('a:1', 'a:2').handles('i1', 'a:1').start('i1', 'a:2').verdict();
      expect(verdict.lost).toEqual([{ key: 'a', sequence: 2 }]);
    });

    it('is not what has a dead letter', () => {
      const verdict = history().confirmed('a:1').start('i1', 'a:1').end('i1', 'a:1', 'refused');
      expect(verdict.verdict({ deadLetters: ['a:1'] }).lost).toEqual([]);
      expect(verdict.verdict().lost).toEqual([{ key: 'a', sequence: 1 }]);
    });

    it('is what only failed', () => {
      const verdict = history().confirmed('a:1').start('i1', 'a:1').end('i1', 'a:1', 'failed').verdict();
      expect(verdict.lost).toHaveLength(1);
    });

    it('is what was handled in a process that was killed before its end was written', () => {
      const verdict = history().confirmed('a:1').start('i1', 'a:1').life('i1', 'gone').verdict();
      expect(verdict.lost).toHaveLength(1);
    });

    it('is what ended unknown, is in the log and was not handled', () => {
      const verdict = history()
        .ended('unknown', 'a:1')
        .verdict({ log: ['0:1 a:1'] });
      expect(verdict.lost).toHaveLength(1);
    });
  });

  describe('the log', () => {
    it('must have what was confirmed', () => {
      const verdict = history().confirmed('a:1').handles('i1', 'a:1').verdict({ log: [] });
      expect(verdict.missing).toEqual([{ key: 'a', sequence: 1 }]);
    });

    it('must not have what was rejected', () => {
      const verdict = history()
        .ended('rejected', 'a:1')
        .handles('i1', 'a:1')
        .verdict({ log: ['0:1 a:1'] });
      expect(verdict.denied).toEqual([{ key: 'a', sequence: 1 }]);
    });

    it('must have the events of a key in the order of the calls; one stored twice counts where it is first', () => {
      const run = history().confirmed('a:1', 'a:2').handles('i1', 'a:1').handles('i1', 'a:2');
      expect(run.verdict({ log: ['0:1 a:2', '0:2 a:1'] }).storedLate).toEqual([{ key: 'a', sequence: 1 }]);
      expect(run.verdict({ log: ['0:1 a:1', '0:2 a:2', '0:3 a:1'] }).storedLate).toEqual([]);
    });
  });

  describe('order', () => {
    it('is violated by an event that is first completed after a later one of its key', () => {
      const { orderViolations } = history().handles('i1', 'a:2').handles('i2', 'a:1').verdict();
      expect(orderViolations).toMatchObject([
        { kind: 'completed-late', key: 'a', sequence: 1, other: 2, otherInstance: 'i1' },
      ]);
    });

    it('is violated by a later event that runs between two attempts of an earlier one', () => {
      const { orderViolations } = history()
        .start('i1', 'a:1')
        .end('i1', 'a:1', 'failed')
        .handles('i1', 'a:2')
        .handles('i1', 'a:1')
        .verdict();
      expect(orderViolations).toMatchObject([{ kind: 'completed-late', sequence: 1 }]);
    });

    it.each([
      ['within an instance', 'i1'],
      ['across instances', 'i2'],
    ])('is violated by two handlers of a key at once, %s', (_, other) => {
      const { orderViolations } = history()
        .start('i1', 'a:1')
        .start(other, 'a:2')
        .end('i1', 'a:1')
        .end(other, 'a:2')
        .verdict();
      expect(orderViolations).toMatchObject([{ kind: 'overlap', key: 'a', sequence: 2, other: 1, instance: other }]);
    });

    it('is violated by two handlers of the same event at once', () => {
      const { orderViolations } = history().start('i1', 'a:1').start('i2', 'a:1').verdict();
      expect(orderViolations).toMatchObject([{ kind: 'overlap', sequence: 1, other: 1 }]);
    });

    it('is not touched by other keys, by gaps, or by what was handled again', () => {
      const { orderViolations } = history()
        .start('i1', 'a:1')
        .start('i1', 'b:1')
        .end('i1', 'b:1')
        .end('i1', 'a:1')
        .handles('i1', 'a:4')
        .handles('i2', 'a:1')
        .verdict();
      expect(orderViolations).toEqual([]);
    });

    it('is not violated by the successor of a handler that was killed', () => {
      const { orderViolations, excused } = history()
        .start('i1', 'a:1')
        .life('i1', 'gone')
        .handles('i2', 'a:1')
        .verdict();
      expect(orderViolations).toEqual([]);
      expect(excused).toEqual({ frozen: 0, signalled: 0 });
    });

    it('counts apart an overlap with a handler that ran when its process was stopped, once for each', () => {
      const { orderViolations, excused } = history()
        .start('i1', 'a:1')
        .life('i1', 'frozen')
        .handles('i2', 'a:1')
        .handles('i2', 'a:2')
        .life('i1', 'thawed')
        .end('i1', 'a:1')
        .verdict();
      expect(orderViolations).toEqual([]);
      expect(excused).toEqual({ frozen: 1, signalled: 0 });
    });

    it('counts apart an overlap with a handler whose signal was raised before', () => {
      const { orderViolations, excused } = history()
        .start('i1', 'a:1')
        .signal('i1', 'a:1')
        .handles('i2', 'a:1')
        .end('i1', 'a:1')
        .verdict();
      expect(orderViolations).toEqual([]);
      expect(excused).toEqual({ frozen: 0, signalled: 1 });
    });

    it('is violated by what a stopped process starts after it was woken, but for what it was just starting', () => {
      const run = history().life('i1', 'frozen').start('i2', 'a:1').start('i2', 'b:1').life('i1', 'thawed');
      const { orderViolations, excused } = run.start('i1', 'a:2').start('i1', 'b:2').verdict();
      expect(orderViolations).toMatchObject([{ kind: 'overlap', key: 'b', instance: 'i1' }]);
      expect(excused.frozen).toBe(1);
    });

    it.each([
      [
        'after it has written something else',
        history().start('i1', 'c:1').life('i1', 'frozen').start('i2', 'a:1').end('i1', 'c:1'),
      ],
      ['after its event loop was blocked', history().life('i1', 'blocked').start('i2', 'a:1').life('i1', 'thawed')],
    ])('is violated by the first thing that is started %s', (_, run) => {
      expect(run.start('i1', 'a:2').verdict().orderViolations).toMatchObject([{ kind: 'overlap', instance: 'i1' }]);
    });

    it('is violated when the signal came too late to tell of', () => {
      const { orderViolations } = history().start('i1', 'a:1').start('i2', 'a:1').signal('i1', 'a:1').verdict();
      expect(orderViolations).toHaveLength(1);
    });
  });

  describe('duplicates', () => {
    it('have no cause while nothing has happened but joins and leaves in good order', () => {
      const { duplicates } = history()
        .fault('join')
        .life('i1', 'leaving')
        .handles('i1', 'a:1')
        .life('i1', 'gone')
        .handles('i2', 'a:1')
        .verdict();
      expect(duplicates.unexplained).toMatchObject([{ id: 'a:1', instance: 'i2' }]);
      expect(duplicates.bound).toBe(0);
    });

    it.each([
      ['a kill', () => history().handles('i1', 'a:1').life('i1', 'gone')],
      ['a stop', () => history().handles('i1', 'a:1').life('i1', 'frozen')],
      ['a cut connection', () => history().handles('i1', 'a:1').fault('cut')],
      ['a handler left at a deadline', () => history().start('i1', 'a:1').signal('i1', 'a:1').end('i1', 'a:1')],
    ])('are allowed after %s, up to the bound', (_, before) => {
      const { duplicates } = before().handles('i2', 'a:1').verdict({ duplicatesPerCause: 10 });
      expect(duplicates).toMatchObject({ redelivered: [{ id: 'a:1' }], unexplained: [], bound: 10 });
    });

    it('break a promise when there are more than the bound', () => {
      const run = history()
        .handles('i1', 'a:1')
        .handles('i1', 'a:2')
        .life('i1', 'gone')
        .handles('i2', 'a:1')
        .handles('i2', 'a:2');
      expect(violationsOf(run.verdict({ log: [], duplicatesPerCause: 1 }))).toEqual([
        '2 events were handled twice, 1 are allowed',
      ]);
      expect(violationsOf(run.verdict({ log: [], duplicatesPerCause: 2 }))).toEqual([]);
    });

    it('of the log are told from deliveries that came again', () => {
      const { duplicates } = history().handles('i1', 'a:1', '0:1').handles('i1', 'a:1', '0:7').verdict();
      expect(duplicates).toMatchObject({
        redelivered: [],
        storedTwice: [{ id: 'a:1', position: '0:7' }],
        unexplained: [],
      });
    });
  });

  describe('commits', () => {
    it('are ahead of the work when something before them is not handled to the end', () => {
      const { committedAhead } = history()
        .confirmed('a:1', 'a:2')
        .handles('i1', 'a:2')
        .start('i1', 'a:1')
        .settled(3)
        .end('i1', 'a:1')
        .settled(3)
        .verdict();
      expect(committedAhead).toMatchObject([{ source: '0', before: 3, position: '0:1' }]);
    });

    it('are ahead when what they pass over was only tried', () => {
      const run = history().confirmed('a:1').start('i1', 'a:1').end('i1', 'a:1', 'failed').settled(2);
      expect(run.verdict().committedAhead).toHaveLength(1);
    });

    it('are not ahead of what was refused, or never stored', () => {
      const run = history().confirmed('a:2').start('i1', 'a:2').end('i1', 'a:2', 'refused').settled(3);
      expect(run.verdict({ deadLetters: ['a:2'] }).committedAhead).toEqual([]);
    });

    it('are not ahead because another did the work of another source', () => {
      const run = history().confirmed('a:1').handles('i1', 'a:1', '1:1').settled(2);
      expect(run.verdict({ log: ['0:1 b:1', '1:1 a:1'] }).committedAhead).toMatchObject([{ position: '0:1' }]);
    });
  });

  describe('stalls', () => {
    it('are sources that had events and handled none for longer than allowed', () => {
      const run = history().confirmed('a:1', 'a:2').handles('i1', 'a:1').pause(5_000).handles('i1', 'a:2');
      expect(run.verdict({ stalledAfterMs: 4_000 }).stalled).toMatchObject([{ source: '0' }]);
      expect(run.verdict({ stalledAfterMs: 6_000 }).stalled).toEqual([]);
    });

    it('are not sources that had nothing to do', () => {
      const run = history().confirmed('a:1').handles('i1', 'a:1').pause(5_000).confirmed('a:2').handles('i1', 'a:2');
      expect(run.verdict({ stalledAfterMs: 1_000 }).stalled).toEqual([]);
    });

    it('of one source do not hide behind the progress of another', () => {
      const run = history()
        .confirmed('a:1', 'b:1', 'b:2')
        .handles('i1', 'b:1', '1:1')
        .pause(5_000)
        .handles('i1', 'b:2', '1:2');
      const log = ['0:1 a:1', '1:1 b:1', '1:2 b:2'];
      expect(run.verdict({ log, stalledAfterMs: 4_000 }).stalled.map(({ source }) => source)).toContain('0');
    });

    it('are deliveries that are never settled', () => {
      const run = history().confirmed('a:1').handles('i1', 'a:1');
      expect(violationsOf(run.verdict({ unsettled: 3 }))).toEqual(['3 deliveries were never settled']);
    });
  });

  it('reports handlers after their application was destroyed, and instances that ended by themselves', () => {
    const violations = violationsOf(history().misuse('i1').life('i2', 'crashed').verdict());
    expect(violations).toEqual([
      '1 handlers ran after their application was destroyed: i1: the database is closed',
      '1 instances ended by themselves: i2',
    ]);
  });

  describe('a run is inconclusive', () => {
    const struck = (): ReturnType<typeof history> =>
      history().start('i1', 'a:1').fault('kill', 'i1').end('i1', 'a:1').settled(2);

    it('when a requested fault never struck', () => {
      expect(inconclusiveOf(struck().verdict(), ['kill', 'cut'])).toEqual(['cut never struck']);
    });

    it('when it struck with nothing in flight', () => {
      const idle = history().handles('i1', 'a:1').settled(2, 0).fault('kill', 'i1').verdict();
      expect(inconclusiveOf(idle, ['kill'])).toEqual(['kill struck with nothing in flight']);
    });

    it("when the broker's progress was never seen", () => {
      const unseen = history().start('i1', 'a:1').fault('kill', 'i1').end('i1', 'a:1').verdict();
      expect(inconclusiveOf(unseen, ['kill'])).toEqual(["the broker's progress was never seen"]);
    });

    it('not when it struck something that ran, or something that was delivered', () => {
      expect(inconclusiveOf(struck().verdict(), ['kill'])).toEqual([]);
      const queued = history().handles('i1', 'a:1').settled(1, 5).fault('kill', 'i1').verdict();
      expect(inconclusiveOf(queued, ['kill'])).toEqual([]);
    });
  });
});
