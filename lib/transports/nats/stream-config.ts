import type { StreamConfig } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM, DEAD_LETTERS_TOPICS, streamName, streamSubjects } from './names.js';
import type { ResolvedNatsOptions, ResolvedNatsStream } from './nats.options.js';
import { covers } from './subjects.js';

const NANOS_PER_MS = 1_000_000;

/** A stream as it is to be, and as consuming and publishing see it. */
export interface DeclaredStream {
  /** On the wire, with prefix. */
  readonly name: string;
  /** Without partitions, with prefix. */
  readonly subjects: readonly string[];
  readonly partitions: number;
  readonly config: Pick<
    StreamConfig,
    | 'name'
    | 'subjects'
    | 'retention'
    | 'storage'
    | 'max_age'
    | 'max_bytes'
    | 'max_msgs'
    | 'max_msg_size'
    | 'discard'
    | 'num_replicas'
    | 'duplicate_window'
  >;
}

/** What differs, and whether the application would lose by it. */
export interface StreamDifference {
  readonly what: string;
  readonly harm: 'breaks' | 'differs';
}

export function declaredStream(topicPrefix: string, stream: ResolvedNatsStream): DeclaredStream {
  const name = streamName(topicPrefix, stream.name);
  const subjects = stream.subjects.map((subject) => topicPrefix + subject);
  return {
    name,
    subjects,
    partitions: stream.partitions,
    config: {
      name,
      subjects: streamSubjects(subjects, stream.partitions),
      retention: stream.retention,
      storage: stream.storage,
      max_age: stream.maxAgeMs * NANOS_PER_MS,
      max_bytes: stream.maxBytes,
      max_msgs: stream.maxMessages,
      max_msg_size: stream.maxMessageBytes,
      discard: stream.discard,
      num_replicas: stream.replicas,
      duplicate_window: stream.duplicateWindowMs * NANOS_PER_MS,
    },
  };
}

/** On the wire: those declared here, and that of dead letters. */
export function ownStreamNames(topicPrefix: string, streams: readonly ResolvedNatsStream[]): string[] {
  return [DEAD_LETTERS_STREAM, ...streams.map(({ name }) => name)].map((name) => streamName(topicPrefix, name));
}

/** The stream of dead letters. */
export function deadLetterStream(topicPrefix: string, limits: ResolvedNatsOptions['deadLetters']): DeclaredStream {
  return declaredStream(topicPrefix, {
    ...limits,
    name: DEAD_LETTERS_STREAM,
    subjects: [DEAD_LETTERS_TOPICS],
    retention: 'limits',
    partitions: 0,
  });
}

/** What of a declaration an existing stream does not meet. Subjects it has beyond are no fault. */
export function differences(declared: DeclaredStream, existing: StreamConfig): StreamDifference[] {
  const found: StreamDifference[] = [];
  const missing = declared.config.subjects.filter((subject) => !existing.subjects.some((one) => covers(one, subject)));
  const partitions = partitionsOf(declared.subjects, existing.subjects);
  if (partitions !== declared.partitions) {
    found.push({ what: `partitions are ${partitions}, declared ${declared.partitions}`, harm: 'breaks' });
  } else if (missing.length > 0) {
    found.push({ what: `subjects lack ${missing.map((subject) => `"${subject}"`).join(', ')}`, harm: 'breaks' });
  }
  for (const field of COMPARED) {
    const [is, wanted] = [existing[field], declared.config[field]];
    if (is !== wanted) found.push({ what: `${field} is ${String(is)}, declared ${String(wanted)}`, harm: 'differs' });
  }
  return found;
}

const COMPARED = [
  'retention',
  'storage',
  'max_age',
  'max_bytes',
  'max_msgs',
  'max_msg_size',
  'discard',
  'num_replicas',
  'duplicate_window',
] as const;

/** How many partitions a stream has of these subjects, by its own list of subjects. */
export function partitionsOf(subjects: readonly string[], existing: readonly string[]): number {
  const present = new Set(existing);
  let partitions = 0;
  while (subjects.some((subject) => present.has(`${partitions}.${subject}`))) partitions += 1;
  return partitions;
}

/** What `create-or-update` changes; subjects other services declared stay. */
export function updateOf(declared: DeclaredStream, existing: StreamConfig): StreamConfig {
  const { name: _name, retention: _retention, storage: _storage, subjects, ...limits } = declared.config;
  const kept = existing.subjects.filter((subject) => !subjects.some((one) => covers(one, subject)));
  const added = subjects.filter((subject) => !kept.some((one) => covers(one, subject)));
  return { ...existing, ...limits, subjects: [...kept, ...added] };
}
