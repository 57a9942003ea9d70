import { partitionOf } from './murmur2.js';
import { subjectOf } from './names.js';
import { covers } from './subjects.js';

/** Bounds what an application with topics without end can make us remember. */
const MOST_TOPICS = 10_000;

/** Where a topic's messages go. */
export interface Route {
  readonly topic: string;
  /** For messages without key, and for all when the stream has no partitions. */
  readonly subject: string;
  /** One subject a partition. */
  readonly partitions: readonly string[];
}

/** A declared stream, as far as publishing cares: application topics. */
export interface PartitionedTopics {
  readonly subjects: readonly string[];
  readonly partitions: number;
}

/** Topic → subjects, worked out once a topic; nothing is asked of the server. */
export class Routes {
  readonly #byTopic = new Map<string, Route>();

  constructor(
    private readonly topicPrefix: string,
    private readonly streams: readonly PartitionedTopics[],
  ) {}

  of(topic: string): Route {
    const known = this.#byTopic.get(topic);
    if (known !== undefined) return known;
    if (this.#byTopic.size >= MOST_TOPICS) this.#byTopic.clear();
    const route = this.#make(topic);
    this.#byTopic.set(topic, route);
    return route;
  }

  #make(topic: string): Route {
    const stream = this.streams.find(({ subjects }) => subjects.some((subject) => covers(subject, topic)));
    const partitions = Array.from({ length: stream?.partitions ?? 0 }, (_, partition) =>
      subjectOf(this.topicPrefix, topic, partition),
    );
    return { topic, subject: subjectOf(this.topicPrefix, topic, undefined), partitions };
  }
}

/** The subject of one message: keyed ones in their key's partition, all others on the bare subject. */
export function subjectFor(route: Route, key: string | undefined): string {
  if (key === undefined || key === '' || route.partitions.length === 0) return route.subject;
  return route.partitions[partitionOf(key, route.partitions.length)] ?? route.subject;
}
