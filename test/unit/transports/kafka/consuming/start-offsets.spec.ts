import { describe, expect, it } from 'vitest';
import { SILENT_LOGGER } from '../../../../../lib/core/logger.js';
import { HandleRegister } from '../../../../../lib/core/handle-register.js';
import type { Subscription } from '../../../../../lib/transport/transport.js';
import type { GroupParts } from '../../../../../lib/transports/kafka/consuming/group-consumer.js';
import { StartFromCheck } from '../../../../../lib/transports/kafka/consuming/start-from-check.js';
import { openSources } from '../../../../../lib/transports/kafka/consuming/start-offsets.js';
import { TopicWatch } from '../../../../../lib/transports/kafka/consuming/topic-watch.js';
import type {
  FetchPosition,
  KafkaMember,
  OffsetToCommit,
  StoredOffset,
} from '../../../../../lib/transports/kafka/driver/driver.js';
import { resolveKafkaOptions } from '../../../../../lib/transports/kafka/kafka-options.schema.js';
import { KafkaTopics } from '../../../../../lib/transports/kafka/topics/kafka-topics.js';
import { TopicNames } from '../../../../../lib/transports/kafka/topics/topic-names.js';

function unused(): never {
  throw new Error('not used here');
}

/** A coordinator and a member that answer as told. */
function setup(
  stored: (bigint | undefined)[],
  found: FetchPosition[][],
  { hasOffsets = false, isNewGroup }: { hasOffsets?: boolean; isNewGroup?: boolean } = {},
) {
  const asked: unknown[] = [];
  const commits: OffsetToCommit[] = [];
  const answers: StoredOffset[] = stored.map((offset, partition) => ({
    topic: 'orders',
    partition,
    offset,
    metadata: '',
  }));
  const epoch = {
    generation: 1,
    memberId: 'm',
    protocol: 'bus-sticky',
    coordinator: {
      fetchOffsets: async () => answers,
      hasOffsets: async () => hasOffsets,
      commit: async (_: unknown, offsets: readonly OffsetToCommit[]) => void commits.push(...offsets),
      heartbeat: unused,
    },
  };
  const member: KafkaMember = {
    start: unused,
    extend: unused,
    seek: unused,
    rejoin: unused,
    stop: unused,
    findOffsets: async (_, at) => {
      asked.push(at);
      return found.shift() ?? [];
    },
  };
  const options = resolveKafkaOptions({ connection: { brokers: 'localhost:9092' } });
  const names = new TopicNames('');
  const topics = new KafkaTopics(options, names, unused, SILENT_LOGGER);
  const subscription: Subscription = {
    group: 'g',
    patterns: ['orders'],
    startFrom: 'latest',
    delivery: 'at-least-once',
    ordering: 'key',
  };
  const parts: GroupParts = {
    subscription,
    options,
    names,
    driver: { createAdmin: unused, createProducer: unused, createMember: unused, openSockets: 0, unwrap: unused },
    watch: new TopicWatch('g', ['orders'], { names, topics, admin: unused }, SILENT_LOGGER),
    port: { assigned: unused, deliver: unused, revoking: unused, lost: unused },
    handles: new HandleRegister(),
    logger: SILENT_LOGGER,
    partitionsOf: unused,
  };
  const owner = { leaseHolds: () => true, fetchable: () => undefined, touched: () => undefined };
  const partitions = answers.map(({ topic, partition }) => ({ topic, partition }));
  const startFrom = new StartFromCheck(subscription, SILENT_LOGGER);
  const request = { partitions, epoch, isNewGroup, member, owner, parts, startFrom };
  return { asked, commits, open: () => openSources(request) };
}

const at = (partition: number, offset: bigint): FetchPosition => ({ topic: 'orders', partition, offset });

describe('Where sources begin', () => {
  it('is where the group stands', async () => {
    const { open, asked, commits } = setup([5n, 9n], []);
    expect((await open()).map(({ frontier }) => frontier.position)).toEqual([5n, 9n]);
    expect([asked, commits]).toEqual([[], []]);
  });

  it('is startFrom in a new group, and committed at once', async () => {
    const { open, asked, commits } = setup([undefined], [[at(0, 40n)]], { isNewGroup: true });
    const opened = await open();
    expect(opened.map(({ committed }) => committed)).toEqual([40n]);
    expect(asked).toEqual(['latest']);
    expect(commits).toEqual([{ topic: 'orders', partition: 0, offset: 40n, metadata: '' }]);
    expect(opened.map(({ uncommitted }) => uncommitted?.metadata)).toEqual(['bus/1 latest']);
  });

  it('is the beginning of a partition that came after the group, whether the leader says so or not', async () => {
    const told = setup([5n, undefined], [[at(1, 0n)]], { isNewGroup: false });
    await told.open();
    const untold = setup([5n, undefined], [[at(1, 0n)]], { hasOffsets: true });
    await untold.open();
    expect([told.asked, untold.asked]).toEqual([['earliest'], ['earliest']]);
    const again = setup([5n, undefined], [[at(1, 0n)]], { isNewGroup: false });
    expect((await again.open()).map(({ uncommitted }) => uncommitted)).toEqual([undefined, undefined]);
  });

  it('leaves no partition out that the broker does not know yet', async () => {
    const { open, asked } = setup([5n, undefined], [[], [at(1, 0n)]], { isNewGroup: false });
    expect((await open()).map(({ name }) => name)).toEqual(['g/orders[0]', 'g/orders[1]']);
    expect(asked).toHaveLength(2);
  });
});
