import { afterEach, describe, expect, it } from 'vitest';
import { kafkaBroker } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { committed, createTopic, TestBus, type TestBusOptions, withAdmin } from './harness.js';

const open: TestBus[] = [];

async function bus({
  transport,
  ...options
}: Partial<Omit<TestBusOptions, 'transport'>> & { transport?: object } = {}): Promise<TestBus> {
  const { brokers } = await kafkaBroker();
  const one = new TestBus({ transport: { connection: { brokers }, topicRefreshMs: 200, ...transport }, ...options });
  open.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()));
});

describe('Topics on Kafka', () => {
  it('are created as declared: partitions, replication and config', async () => {
    const { brokers } = await kafkaBroker();
    const name = unique('declared');
    await (
      await bus({ transport: { topics: [{ name, partitions: 3, config: { 'retention.ms': '60000' } }] } })
    ).start();

    await withAdmin(brokers, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      expect(topics[0]?.partitions).toHaveLength(3);
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name, configNames: ['retention.ms'] }],
      });
      expect(resources[0]?.configEntries[0]?.configValue).toBe('60000');
    });
  });

  it('get what was declared later, and keep what was set by others, under create-or-update', async () => {
    const { brokers } = await kafkaBroker();
    const name = unique('updated');
    await createTopic(brokers, name, 1, { 'max.message.bytes': '50000' });
    const topics = [{ name, partitions: 4, config: { 'retention.ms': '60000' } }];
    await (await bus({ transport: { policy: 'create-or-update', topics } })).start();

    await withAdmin(brokers, async (admin) => {
      const configNames = ['retention.ms', 'max.message.bytes'];
      await eventually(async () => {
        const resources = [{ type: 2, name, configNames }];
        const answer = await admin.describeConfigs({ includeSynonyms: false, resources });
        const values = answer.resources[0]?.configEntries.map(({ configValue }) => configValue);
        expect(values?.toSorted()).toEqual(['50000', '60000']);
      });
      await eventually(async () =>
        expect((await admin.fetchTopicMetadata({ topics: [name] })).topics[0]?.partitions).toHaveLength(4),
      );
    });
  });

  it('that do not fit are an error at start that names them all, under validate', async () => {
    const { brokers } = await kafkaBroker();
    const [missing, small] = [unique('missing'), unique('small')];
    await createTopic(brokers, small, 2);
    const one = await bus({
      transport: { policy: 'validate', topics: [{ name: missing }, { name: small, partitions: 4 }] },
    });

    await expect(one.start()).rejects.toMatchObject({
      code: 'EVENT_BUS_TOPOLOGY',
      message: expect.stringMatching(new RegExp(`"${missing}" is missing.*"${small}" has 2 partitions`)) as string,
    });
  });

  it('are matched by patterns, dead letters only by patterns that begin with dead', async () => {
    const { brokers } = await kafkaBroker();
    const prefix = unique('shop');
    for (const name of [`${prefix}.orders.placed`, `${prefix}.orders`, `dead.${prefix}.orders`])
      await createTopic(brokers, name);
    const one = await bus();
    await one.start(
      { group: unique('all'), patterns: [`${prefix}.>`] },
      { group: unique('one'), patterns: [`${prefix}.*`] },
      { group: unique('dead'), patterns: [`dead.${prefix}.*`] },
    );

    expect(one.assignedSources.map(({ name }) => name.replace(/^(\w+)-\w+\//, '$1 ')).toSorted()).toEqual([
      `all ${prefix}.orders.placed[0]`,
      `all ${prefix}.orders[0]`,
      `dead dead.${prefix}.orders[0]`,
      `one ${prefix}.orders[0]`,
    ]);
  });

  it('that are missing are reported, and consumed as soon as they are there', async () => {
    const { brokers } = await kafkaBroker();
    const [topic, group] = [unique('later'), unique('g')];
    const one = await bus({ transport: { policy: 'none' } });
    await one.start({ group, patterns: [topic] });
    expect(one.log.filter(({ fields }) => fields.topic === topic).map(({ level }) => level)).toEqual(['warn']);
    expect(one.group(group)['missingTopics']).toEqual([topic]);

    await createTopic(brokers, topic);
    await eventually(async () => expect((await one.publish(topic, 'hello')).how).toBe('confirmed'));
    await eventually(() => expect(one.bodies).toEqual(['hello']));
  });

  it('and groups carry the prefix of their environment, and the application does not see it', async () => {
    const { brokers } = await kafkaBroker();
    const [topic, group, topicPrefix] = [unique('orders'), unique('g'), `${unique('staging')}.`];
    const one = await bus({ topicPrefix });
    await one.start({ group, patterns: [topic, `${topic}.*`] });
    await one.publish(topic, 'hello');
    await eventually(() => expect(one.deliveries.map(({ message }) => message.topic)).toEqual([topic]));

    expect(one.assignedSources[0]?.name.startsWith(`${group}/${topic}[`)).toBe(true);
    expect(Object.keys(await committed(brokers, topicPrefix + group, topicPrefix + topic))).toHaveLength(6);
    expect(await withAdmin(brokers, (admin) => admin.listTopics())).not.toContain(topic);
  });
});
