import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../../../lib/core/deferred.js';
import type { Source } from '../../../../../lib/transport/transport.js';
import { Ownership, type OwnershipHost } from '../../../../../lib/transports/kafka/consuming/ownership.js';
import type { PartitionSource } from '../../../../../lib/transports/kafka/consuming/partition-source.js';
import { PROTOCOL } from '../../../../../lib/transports/kafka/driver/assignment-wire.js';
import type { Epoch } from '../../../../../lib/transports/kafka/driver/driver.js';

const PARTITION = { topic: 'orders', partition: 1 };

describe('what a member owns on Kafka', () => {
  const epochOf = (generation: number, memberId: string): Epoch =>
    ({ generation, memberId, protocol: PROTOCOL }) as Epoch;
  const assignment = { partitions: { orders: [1] }, isNewGroup: false, expectMore: false };

  function setup() {
    const assigned: Source[] = [];
    const asked: Deferred<readonly PartitionSource[]>[] = [];
    const host = {
      port: { assigned: (source: Source) => (assigned.push(source), { messages: 1, bytes: 1 }), lost: () => undefined },
      committer: { touch: () => undefined },
      open: () => {
        const answer = new Deferred<readonly PartitionSource[]>();
        asked.push(answer);
        return answer.promise;
      },
    } as unknown as OwnershipHost;
    const options = { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 300, commitDeadlineMs: 1_000 };
    const source = (): PartitionSource => ({ ...PARTITION, state: 'active' }) as PartitionSource;
    return { ownership: new Ownership(options, host), assigned, asked, source };
  }

  it('is what the broker was asked about and said', async () => {
    const { ownership, assigned, asked, source } = setup();
    const taken = ownership.assigned(epochOf(1, 'a'), assignment);
    await Promise.resolve();
    asked[0]?.resolve([source()]);
    await taken;

    expect(assigned).toHaveLength(1);
    expect(ownership.source(PARTITION)).toBe(assigned[0]);
  });

  it('is nothing of a generation that was lost while the broker was asked: by now it may be somebody else’s', async () => {
    const { ownership, assigned, asked, source } = setup();
    const taken = ownership.assigned(epochOf(1, 'a'), assignment);
    await Promise.resolve();
    await ownership.joining(''); // thrown out of the group
    asked[0]?.resolve([source()]);
    await taken;

    expect(assigned).toEqual([]);
    expect(await ownership.joining('')).toEqual({ generation: -1, owned: {} });
  });
});
