import { NEVER, Observable } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { GIVE_UP_AFTER_MS } from '../../../lib/dispatch/attempts.js';
import { MEMORY, TRANSPORTS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';
import { IS_LONG } from './support/length.js';

const KEYS = keysOf(6);
const EVENTS = 15;
const STUCK = 'stuck';
const STUCK_EVENTS = 5;
const TIMEOUT_MS = 200;

const WAYS_TO_HANG: readonly (readonly [name: string, hang: () => unknown])[] = [
  ['hang for ever', () => new Promise(() => undefined)],
  ['return an Observable that never completes', () => NEVER],
  ['return an Observable that emits for ever', () => emitting()],
];

const emitters: NodeJS.Timeout[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const emitter of emitters.splice(0)) clearInterval(emitter);
});

function emitting(): Observable<number> {
  return new Observable((subscriber) => void emitters.push(setInterval(() => subscriber.next(1), 5)));
}

describe.each(TRANSPORTS)('F9: handlers that hang, on $name', (transport) => {
  const faults = useFaults(transport);

  it.each(WAYS_TO_HANG)(
    'holds only the lane of its key, settles nothing of it, and ends at the deadline; the next instance handles it: %s',
    async (_, hang) => {
      const t = faults();
      const [topic, group] = [await t.env.topic(), t.group()];
      let signals = 0;
      const app = await t.app({
        group,
        shutdownTimeoutMs: 1_000,
        handlers: [
          {
            on: topic,
            timeoutMs: TIMEOUT_MS,
            handle: t.bare(topic, group, ({ key, n }, { signal }) => {
              if (key !== STUCK || n > 1) return undefined;
              signal.addEventListener('abort', () => void (signals += 1));
              return hang();
            }),
          },
        ],
      });

      await t.publishNumbered(app, topic, [STUCK], STUCK_EVENTS);
      await t.publishNumbered(app, topic, KEYS, EVENTS);
      await t.handled(KEYS.length * EVENTS);
      await t.eventually(() => expect(signals, 'signals raised').toBe(1));
      const begun = t.recorder.records.filter((record) => record.kind === 'started' && record.key === STUCK);
      expect(begun, 'begun of the key').toMatchObject([{ sequence: 1 }]);
      expect(await t.faults.left(topic, group)).toBeGreaterThanOrEqual(STUCK_EVENTS);
      await app.close();
      t.died();

      await t.app({ group, handlers: [{ on: topic, handle: t.bare(topic, group, () => undefined) }] });
      const duplicates = transport.capabilities.credit === 'fetch' ? KEYS.length * EVENTS : 0;
      await t.accountsForAll(topic, group, { deadLetters: 0, duplicates });
    },
  );
});

describe.each(IS_LONG ? TRANSPORTS : [MEMORY])(
  'F9: handlers that hang and may be given up on, on $name',
  (transport) => {
    const faults = useFaults(transport);

    it.each(WAYS_TO_HANG)(
      "dead-letters the event 30 s after its signal and goes on with its key, with onTimeout 'dead-letter': %s",
      async (_, hang) => {
        const t = faults();
        const [topic, group] = [await t.env.topic(), t.group()];
        let signals = 0;
        if (!IS_LONG) vi.useFakeTimers({ toFake: ['performance'], now: performance.now() });
        const app = await t.app({
          group,
          shutdownTimeoutMs: 1_000,
          handlers: [
            {
              on: topic,
              timeoutMs: TIMEOUT_MS,
              onTimeout: 'dead-letter',
              handle: t.bare(topic, group, ({ key, n }, { signal }) => {
                if (key !== STUCK || n > 1) return undefined;
                signal.addEventListener('abort', () => void (signals += 1));
                return hang();
              }),
            },
          ],
        });

        await t.publishNumbered(app, topic, [STUCK, ...KEYS], STUCK_EVENTS);
        await t.handled(KEYS.length * STUCK_EVENTS);
        vi.advanceTimersByTime(IS_LONG ? 0 : TIMEOUT_MS);
        await t.eventually(() => expect(signals, 'signals raised').toBe(1));
        expect(app.snapshot().totals.deadLettersStored).toBe(0);
        t.died(); // from here on an overlap is what this option allows
        if (!IS_LONG) vi.advanceTimersByTime(GIVE_UP_AFTER_MS);

        await t.eventually(() => expect(app.snapshot().totals.deadLettersStored).toBe(1), IS_LONG ? 4 : 1);
        const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 1 });
        expect(verdict.gaps).toEqual([{ topic, key: STUCK, sequence: 1 }]);
      },
      IS_LONG ? 90_000 : 15_000,
    );
  },
);
