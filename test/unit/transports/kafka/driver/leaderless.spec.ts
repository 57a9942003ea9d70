import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { Leaderless, tolerateLeaderless } from '../../../../../lib/transports/kafka/driver/leaderless.js';

const LEADER_NOT_AVAILABLE = 5;

function metadata(...codes: number[]) {
  const partitionMetadata = codes.map((partitionErrorCode, partitionId) => ({ partitionErrorCode, partitionId }));
  return { topicMetadata: [{ topic: 'orders', partitionMetadata }] };
}

function codesAfter(leaderless: Leaderless, ...codes: number[]): number[] | undefined {
  const answer = metadata(...codes);
  leaderless.tolerate(answer);
  return answer.topicMetadata[0]?.partitionMetadata.map(({ partitionErrorCode }) => partitionErrorCode);
}

describe('a partition without a leader', () => {
  it('is no error of its topic once it has been without for long enough, whoever asks', () => {
    let now = 0;
    const leaderless = new Leaderless(3_000, () => now);

    expect(codesAfter(leaderless, 0, LEADER_NOT_AVAILABLE)).toEqual([0, LEADER_NOT_AVAILABLE]);
    now = 2_999;
    expect(codesAfter(leaderless, 0, LEADER_NOT_AVAILABLE)).toEqual([0, LEADER_NOT_AVAILABLE]);
    now = 3_000;
    expect(codesAfter(leaderless, 0, LEADER_NOT_AVAILABLE)).toEqual([0, 0]);
  });

  it('begins anew when it had a leader in between', () => {
    let now = 0;
    const leaderless = new Leaderless(3_000, () => now);
    codesAfter(leaderless, LEADER_NOT_AVAILABLE);
    now = 2_000;
    codesAfter(leaderless, 0);
    now = 4_000;

    expect(codesAfter(leaderless, LEADER_NOT_AVAILABLE)).toEqual([LEADER_NOT_AVAILABLE]);
  });

  it('keeps errors that are not of one partition', () => {
    expect(codesAfter(new Leaderless(0), 3, 29)).toEqual([3, 29]);
  });

  it('is looked for in the answers of every client of this kafkajs', () => {
    const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });
    expect(tolerateLeaderless(kafka, new Leaderless(0))).toBe(true);
  });
});
