import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Delivery, Transport } from '../../lib/transport/transport.js';
import { listen } from '../support/listen.js';
import { endings, type Mutation, MutantEnvironment } from './control.js';

/** Calls back for every n-th. */
function everyNth(n: number): () => boolean {
  let count = 0;
  return () => (count += 1) % n === 0;
}

/** How long a failure that must be seen is waited for. */
const SHORT_MS = 500;

const ONCE = 'handles each event once and keeps the order of a key';
const AFTER_CRASH = 'delivers again after a crash what was not settled';
const AFTER_RESTART = 'continues after a restart where it settled';

/** A transport that lacks a mechanism, and the test that must see it. */
const MUTANTS: readonly (readonly [what: string, seenBy: string, mutation: () => Mutation])[] = [
  [
    'drops a delivery in fifty',
    ONCE,
    () => {
      const isChosen = everyNth(50);
      return { consumer: (port) => ({ deliver: (delivery) => (isChosen() ? undefined : port.deliver(delivery)) }) };
    },
  ],
  [
    'delivers one in fifty twice',
    ONCE,
    () => {
      const isChosen = everyNth(50);
      return {
        consumer: (port) => ({
          deliver: (delivery) => {
            port.deliver(delivery);
            if (isChosen()) port.deliver({ ...delivery });
          },
        }),
      };
    },
  ],
  [
    'delivers one in ten late',
    ONCE,
    () => {
      const isChosen = everyNth(10);
      return {
        consumer: (port) => ({
          deliver: (delivery) => {
            if (isChosen()) setTimeout(() => port.deliver(delivery), 10);
            else port.deliver(delivery);
          },
        }),
      };
    },
  ],
  ['never settles', AFTER_RESTART, () => ({ transport: () => ({ settle: () => undefined }) })],
  [
    'settles as it delivers',
    AFTER_CRASH,
    () => {
      const transports: { settle(delivery: Delivery): void }[] = [];
      return {
        transport: (transport) => {
          transports.push(transport);
          return {};
        },
        consumer: (port) => ({
          deliver: (delivery) => {
            port.deliver(delivery);
            for (const transport of transports) transport.settle(delivery);
          },
        }),
      };
    },
  ],
  [
    'answers for at-most-once without settling',
    'at-most-once: a crash while the handler runs loses the event',
    () => ({ transport: () => ({ settleBefore: () => Promise.resolve() }) }),
  ],
  [
    'confirms without storing',
    'confirms an event only when it is stored',
    () => ({
      transport: (_, { publisher }) => ({
        publish: (_message, slot) =>
          void setImmediate(() => publisher.confirmed(slot, { partition: 0, offset: 0 }, false)),
      }),
    }),
  ],
  [
    'sends one in seven late',
    'stores the publishes of a key in call order',
    () => {
      const isChosen = everyNth(7);
      return {
        transport: (transport) => ({
          publish: (message, slot) => {
            if (isChosen()) setTimeout(() => transport.publish(message, slot), 5);
            else transport.publish(message, slot);
          },
        }),
      };
    },
  ],
  [
    'answers a publish twice',
    'answers every publish exactly once',
    () => ({
      transport: (transport, { publisher }) => ({
        publish: (message, slot) => {
          transport.publish(message, slot);
          setImmediate(() => publisher.confirmed(slot, { partition: 0, offset: 0 }, false));
        },
      }),
    }),
  ],
  [
    'makes ids of its own, so that nothing is deduplicated',
    'stores the same id once',
    () => {
      let ids = 0;
      return {
        transport: (transport) => ({
          publish: (message, slot) => transport.publish({ ...message, id: `own-${(ids += 1)}` }, slot),
        }),
      };
    },
  ],
  [
    'gives a dead letter the id of its event',
    'stores one dead letter per group and handler',
    () => ({
      transport: (transport) => ({
        publish: (message, slot) =>
          transport.publish(message.dead === true ? { ...message, id: message.id.split(':')[0] ?? '' } : message, slot),
      }),
    }),
  ],
  [
    'ignores the credit',
    'has never more in hand than the credit',
    () => ({
      consumer: (port) => ({
        assigned: (source) => {
          port.assigned(source);
          return { messages: 1_000_000, bytes: 1_000_000_000 };
        },
      }),
    }),
  ],
  [
    'ignores a pause',
    'asks for nothing more for a paused group',
    () => ({ transport: () => ({ pause: () => undefined }) }),
  ],
  [
    'does not wait for a drain',
    'gives a source to one instance at a time',
    () => ({
      consumer: (port) => ({
        revoking: (source) => {
          void port.revoking(source);
          return Promise.resolve();
        },
      }),
    }),
  ],
  [
    'loses the bytes of dead letters',
    'stores in a dead letter the raw bytes',
    () => ({
      transport: (transport) => ({
        publish: (message, slot) => transport.publish(message.dead === true ? { ...message, body: '' } : message, slot),
      }),
    }),
  ],
  [
    'leaves a handle registered',
    'has no source and no open handle',
    () => ({
      context: ({ handles }) => ({ handles: Object.assign(handles, { leak: handles.open('timer', 'a leak') }) }),
    }),
  ],
  [
    'closes without waiting for confirms',
    'confirms at shutdown what is still on its way',
    () => ({
      transport: (transport, { publisher }) => ({
        publish: (message, slot) => {
          void sleep(20).then(() => publisher.failed(slot, 'rejected', new Error('closed')));
          transport.publish({ ...message, topic: `${message.topic}-lost` }, -1);
        },
      }),
    }),
  ],
];

async function leavesNothingOpen(mutation: Mutation, patienceMs: number): Promise<unknown> {
  const createEnvironment = () => Promise.resolve(new MutantEnvironment(mutation));
  const [ending] = (await endings({ createEnvironment, patienceMs }, ['leaves nothing open'])).values();
  return ending;
}

describe('the contract suite', () => {
  it.concurrent.each(MUTANTS)('sees a transport that %s (control)', async (_, seenBy, mutation) => {
    const createEnvironment = () => Promise.resolve(new MutantEnvironment(mutation()));

    const [[name, failure] = [], ...others] = await endings({ createEnvironment, patienceMs: SHORT_MS }, [seenBy]);

    expect(name).toContain(seenBy);
    expect(failure).toBeInstanceOf(Error);
    expect(others).toEqual([]);
  });

  it.concurrent('passes the same tests on a transport that lacks nothing', async () => {
    const ended = await endings({ createEnvironment: () => Promise.resolve(new MutantEnvironment({})) }, [
      ...new Set(MUTANTS.map(([, seenBy]) => seenBy)),
    ]);

    expect([...ended].filter(([, failure]) => failure !== undefined)).toEqual([]);
    expect(ended.size).toBeGreaterThan(10);
  });

  it('sees a transport that leaves a socket behind (control)', async () => {
    const left: Server[] = [];
    const leave = async (transport: Transport): Promise<void> => {
      const server = createServer();
      left.push(server);
      await listen(server);
      await transport.close();
    };

    expect(await leavesNothingOpen({}, 10_000)).toBe(undefined);
    expect(
      await leavesNothingOpen({ transport: (transport) => ({ close: () => leave(transport) }) }, SHORT_MS),
    ).toBeInstanceOf(Error);
    for (const server of left) server.close();
  });

  it('runs what is known to fail, and passes while it fails', async () => {
    const mutation: Mutation = { transport: () => ({ pause: () => undefined }) };
    const createEnvironment = () => Promise.resolve(new MutantEnvironment(mutation));
    const name = 'asks for nothing more for a paused group, and goes on where it was when resumed';

    const ended = await endings({ createEnvironment, knownFailures: [name], patienceMs: SHORT_MS }, ['a paused group']);

    expect([...ended]).toEqual([[`${name} (known to fail)`, undefined]]);
  });

  it('fails when what is known to fail passes, or does not exist', async () => {
    const knownFailures = ['counts an empty key as none', 'has been renamed'];

    const ended = await endings({ knownFailures }, knownFailures);

    expect([...ended.values()].map((error) => (error instanceof Error ? error.message : error))).toEqual([
      'It is marked as known to fail, and passes: take the mark off.',
      'There is no such test.',
    ]);
  });
});
