import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaServer, startKafka } from '../../../support/brokers.js';

/** A Kafka that spreads its partitions over two folders. */
export interface TwoLogDirs {
  readonly kafka: KafkaServer;
  /** Partitions of a topic in the folder that can fail. */
  partitionsAtRisk(topic: string): number[];
  /** A group whose coordinator's partition is in the other folder. */
  safeGroup(prefix: string): string;
  /** The folder becomes a file: no disk can be made to fail as root, but nobody can write in that. */
  fail(): void;
}

const OFFSETS = '__consumer_offsets';
/** As tools/brokers has it for all tests. */
const OFFSETS_PARTITIONS = 4;

export async function startTwoLogDirs(): Promise<TwoLogDirs> {
  let folder = '';
  const kafka = await startKafka({
    properties: (node) => {
      folder = node.folder;
      return {
        'log.dirs': ['safe', 'risky'].map((name) => join(node.folder, name)).join(','),
        'metadata.log.dir': join(node.folder, 'metadata'),
        'replica.high.watermark.checkpoint.interval.ms': 200,
      };
    },
  });
  const risky = join(folder, 'risky');
  const partitionsAtRisk = (topic: string): number[] => {
    const own = readdirSync(risky).filter((name) => name.startsWith(`${topic}-`));
    return own.map((name) => Number(name.slice(topic.length + 1))).toSorted((one, other) => one - other);
  };
  return {
    kafka,
    partitionsAtRisk,
    safeGroup: (prefix) => {
      const atRisk = partitionsAtRisk(OFFSETS);
      for (let n = 0; ; n += 1) {
        const group = `${prefix}-${n}`;
        if (!atRisk.includes(coordinatorOf(group))) return group;
      }
    },
    fail: () => {
      renameSync(risky, `${risky}-gone`);
      writeFileSync(risky, '');
    },
  };
}

/** As the broker chooses: Java's hash of the group's name. */
function coordinatorOf(group: string): number {
  let hash = 0;
  for (const letter of group) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  return (hash & 0x7f_ff_ff_ff) % OFFSETS_PARTITIONS;
}
