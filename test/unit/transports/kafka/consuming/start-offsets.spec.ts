import { describe, expect, it } from 'vitest';
import { SILENT_LOGGER } from '../../../../../lib/core/logger.js';
import { HandleRegister } from '../../../../../lib/core/handle-register.js';
import type { Subscription } from '../../../../../lib/transport/transport.js';
import type { GroupParts } from '../../../../../lib/transports/kafka/consuming/group-consumer.js';
import { bodyBytesIn, encodeMap } from '../../../../../lib/transports/kafka/consuming/offset-map.js';
import { ProgressMaps } from '../../../../../lib/transports/kafka/consuming/progress-maps.js';
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

interface SetupOptions {
  readonly hasOffsets?: boolean;
  readonly isNewGroup?: boolean;
  readonly metadata?: string;
  readonly idByTopic?: ReadonlyMap<string, Uint8Array>;
}

/** A coordinator and a member that answer as told. */
function setup(
  stored: (bigint | undefined)[],
  found: FetchPosition[][],
  { hasOffsets = false, isNewGroup, metadata = '', idByTopic = new Map() }: SetupOptions = {},
) {
  const asked: unknown[] = [];
  const commits: OffsetToCommit[] = [];
  const answers: StoredOffset[] = stored.map((offset, partition) => ({
    topic: 'orders',
    partition,
    offset,
    metadata,
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
      identify: async () => ({ cluster: 'one', idByTopic }),
    },
  };
  const member: KafkaMember = {
    start: unused,
    extend: unused,
    seek: unused,
    rejoin: unused,
    stop: unused,
    cut: unused,
    interrupt: unused,
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
    bus: 'default',
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
  const maps = new ProgressMaps('default', SILENT_LOGGER);
  const request = { partitions, epoch, isNewGroup, member, owner, parts, startFrom, maps };
  return { asked, commits, maps, open: () => openSources(request) };
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

describe('What a predecessor has done past the committed offset', () => {
  const topicId = Buffer.alloc(16, 7);
  const idByTopic = new Map([['orders', topicId]]);
  const map = (base: bigint, id = topicId): string =>
    encodeMap(
      { cluster: 'one', group: 'g', topic: 'orders', partition: 0, topicId: id, base },
      [1, 3, 2, 4],
      bodyBytesIn(4_096),
    ).text;

  it.each([
    ['with the note of where the group began', 'bus/1 latest '],
    ['without it', ''],
  ])('is not delivered again: %s', async (_, note) => {
    const { open, maps } = setup([5n], [[at(0, 50n)]], { metadata: `${note}${map(5n)}`, idByTopic });
    const [source] = await open();
    const offsets = [5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n, 13n, 14n, 15n];
    expect(offsets.filter((offset) => source?.take(offset))).toEqual([5n, 9n, 10n, 15n]);
    expect(maps.counts).toMatchObject({ taken: 1, skipped: 7, refused: {} });
  });

  it('goes on into the next commit, before any of it was reached', async () => {
    const { open } = setup([5n], [[at(0, 50n)]], { metadata: `bus/1 latest ${map(5n)}`, idByTopic });
    const [source] = await open();
    expect(source?.uncommitted).toBeUndefined();
    const first = source?.take(5n);
    if (first) source?.settle(first);
    const next = encodeMap(
      { cluster: 'one', group: 'g', topic: 'orders', partition: 0, topicId, base: 6n },
      [0, 3, 2, 4],
      bodyBytesIn(4_096),
    );
    expect(source?.uncommitted).toMatchObject({ offset: 6n, metadata: `bus/1 latest ${next.text}` });
  });

  it.each([
    ['the committed offset is another', map(4n), idByTopic, 50n, 'base'],
    ['the broker does not tell topic ids', map(5n), new Map(), 50n, 'unidentified'],
    ['the log ends before it', map(5n), idByTopic, 14n, 'end'],
    ['somebody else has written it', 'progress of another library', idByTopic, 50n, 'foreign'],
    ['it is damaged', `${map(5n).slice(0, -3)}AAA`, idByTopic, 50n, 'checksum'],
  ])('is delivered again when %s, and counted; the next commit is without it', async (_, text, ids, end, reason) => {
    const { open, maps } = setup([5n], [[at(0, end)]], { metadata: `bus/1 latest ${text}`, idByTopic: ids });
    const [source] = await open();
    expect([5n, 6n, 7n, 8n].filter((offset) => source?.take(offset))).toHaveLength(4);
    expect(maps.counts.refused).toEqual({ [reason]: 1 });
    expect(source?.uncommitted?.offset).toBe(5n);
    expect(source?.uncommitted?.metadata).not.toContain(text);
  });

  it('is of no use, nor is the committed offset, when the topic was deleted and made again', async () => {
    const metadata = `bus/1 latest ${map(5n, Buffer.alloc(16, 9))}`;
    const { open, maps, asked, commits } = setup([5n], [[at(0, 0n)]], { metadata, idByTopic, hasOffsets: true });
    const [source] = await open();
    expect([0n, 6n].filter((offset) => source?.take(offset))).toHaveLength(2);
    expect(asked).toEqual(['earliest']);
    expect(commits).toEqual([{ topic: 'orders', partition: 0, offset: 0n, metadata: '' }]);
    expect(maps.counts.refused).toEqual({ incarnation: 1 });
  });

  it('is counted as missing where a commit says nothing of it', async () => {
    const { open, maps } = setup([5n], [], { metadata: 'bus/1 latest', idByTopic });
    await open();
    expect(maps.counts).toMatchObject({ missing: 1, refused: {} });
  });
});
