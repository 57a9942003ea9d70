import type { PortProbe } from '../port-probe.js';
import type { ContractTest } from '../subject.js';

type Tools = Parameters<ContractTest['run']>[0];

interface Texts {
  readonly count: number;
  readonly from?: number;
  readonly keys?: number;
}

/** What the suite holds about sources, at the port. */
export const OWNERSHIP: readonly ContractTest[] = [
  {
    name: 'delivers every source in the order the broker stored it',
    run: async (t) => {
      const topic = await t.env.topic();
      await publishTexts(t, topic, { count: 200, keys: 7 });
      const probe = t.probe();

      await probe.start({ group: t.group(), patterns: [topic] });
      await t.eventually(() => t.expect(probe.deliveries).toHaveLength(200));

      for (const source of new Set(probe.deliveries.map((one) => one.source))) {
        const places = probe.deliveries.flatMap((one) => (one.source === source ? [placeOf(one.position)] : []));
        t.expect(places, source.name).toEqual(places.toSorted((one, other) => one - other));
      }
    },
  },
  {
    name: 'delivers to the next owner what its predecessor left unsettled, before anything newer',
    run: async (t) => {
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      await publishTexts(t, topic, { count: 10 });
      const first = t.probe({ settling: 'by-hand' });
      await first.start({ group, patterns: [topic] });
      await t.eventually(() => t.expect(first.deliveries).toHaveLength(10));
      for (const place of [0, 1, 4, 7]) settleAt(first, place);
      await first.close();
      await publishTexts(t, topic, { count: 5, from: 10 });

      const second = t.probe();
      await second.start({ group, patterns: [topic] });
      await t.eventually(() => t.expect(second.texts).toContain('14'), 2);

      const left = ['2', '3', '5', '6', '8', '9', '10', '11', '12', '13', '14'];
      const order = second.texts.map(Number);
      t.expect(order, 'in order').toEqual(order.toSorted((one, other) => one - other));
      t.expect(order.filter((n) => left.includes(`${n}`)).map(String)).toEqual(left);
    },
  },
  {
    name: 'does not deliver again what was settled before it ran, once the broker has answered',
    run: async (t) => {
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      await publishTexts(t, topic, { count: 6 });
      const subscription = { group, patterns: [topic], delivery: 'at-most-once' } as const;
      const first = t.probe({ settling: 'by-hand' });
      await first.start(subscription);
      await t.eventually(() => t.expect(first.deliveries).toHaveLength(6));
      await first.transport.settleBefore(first.deliveries.slice(0, 4));
      await first.transport.close();

      const second = t.probe();
      await second.start(subscription);

      await t.eventually(() => t.expect(second.texts).toEqual(['4', '5']), 2);
    },
  },
  {
    name: 'gives a source to one instance at a time, and to the next only when its owner has drained it',
    appliesTo: ({ ownership }) => ownership === 'exclusive',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const owned = new Map<string, string>();
      const draining = new Set<string>();
      const doubles: string[] = [];
      const gate = t.gate();
      const start = async (instance: string): Promise<PortProbe> => {
        const probe = t.probe({
          assigned: ({ name }) => {
            if (owned.has(name) || draining.has(name)) doubles.push(name);
            owned.set(name, instance);
          },
          drain: async ({ name }) => {
            draining.add(name);
            await gate.pass();
            draining.delete(name);
          },
          lost: ({ name }) => void owned.delete(name),
        });
        await probe.start({ group, patterns: [topic] });
        return probe;
      };

      const first = await start('a');
      await t.eventually(() => t.expect(owned.size).toBeGreaterThan(0));
      const second = await start('b');
      await publishTexts(t, topic, { count: 60, keys: 20 });
      gate.open();
      await t.eventually(() => t.expect(new Set([...first.texts, ...second.texts]).size).toBe(60), 2);

      t.expect(doubles, 'sources with two owners').toEqual([]);
      t.expect(first.deliveries.length + second.deliveries.length, 'deliveries').toBe(60);
    },
  },
  {
    name: 'shares a source out among the instances of a group, each event to one of them',
    appliesTo: ({ ownership }) => ownership === 'shared',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const instances = [t.probe(), t.probe()];
      for (const probe of instances) await probe.start({ group, patterns: [topic] });
      await publishTexts(t, topic, { count: 60, keys: 20 });

      const texts = (): string[] => instances.flatMap((probe) => [...probe.texts]);
      await t.eventually(() => t.expect(new Set(texts()).size).toBe(60), 2);

      t.expect(texts(), 'each once').toHaveLength(60);
    },
  },
  {
    name: 'has no source and no open handle after it was closed',
    run: async (t) => {
      const topic = await t.env.topic();
      const probe = t.probe();
      await probe.start({ group: t.group(), patterns: [topic] });
      await t.eventually(() => t.expect(probe.sources.size).toBeGreaterThan(0));

      await probe.close();
      await probe.close();

      t.expect(probe.handles.list().map(({ kind, name }) => `${kind} ${name}`)).toEqual([]);
      t.expect(probe.sources.size).toBe(0);
      t.expect(probe.transport.status.state).toBe('closed');
    },
  },
];

/** Numbers as texts, from `from` on; of so many keys. */
async function publishTexts(t: Tools, topic: string, { count, from = 0, keys = 1 }: Texts): Promise<void> {
  const probe = t.probe();
  await probe.start();
  for (let n = 0; n < count; n += 1) {
    probe.publish({ topic, id: t.group(), key: `k${n % keys}`, body: `${from + n}` }, n);
  }
  await t.eventually(() => t.expect(probe.answers.filter((answer) => 'position' in answer)).toHaveLength(count));
  await probe.close();
}

function settleAt(probe: PortProbe, place: number): void {
  const delivery = probe.deliveries[place];
  if (delivery !== undefined) probe.settle(delivery);
}

function placeOf(position: object): number {
  return Number(Reflect.get(position, 'offset') ?? Reflect.get(position, 'sequence'));
}
