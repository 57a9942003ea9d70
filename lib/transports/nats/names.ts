/** Dead letters have a stream of their own: JetStream deduplicates by id per stream. */
export const DEAD_LETTERS_STREAM = 'DEAD_LETTERS';
export const DEAD_LETTERS_TOPICS = 'dead.>';

/** The priority group of a pinned consumer. */
export const PIN_GROUP = 'owner';

/** `ORDERS` under the topic prefix `staging.` is `STAGING_ORDERS`: upper case, and `_` for what is no letter or digit. */
export function streamName(topicPrefix: string, name: string): string {
  return topicPrefix.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_') + name;
}

/** Where a topic lies: `staging.orders.placed`, or `3.staging.orders.placed` in partition 3. */
export function subjectOf(topicPrefix: string, topic: string, partition: number | undefined): string {
  const subject = topicPrefix + topic;
  return partition === undefined ? subject : `${partition}.${subject}`;
}

/** All subjects of a stream: `orders.>`, and `0.orders.>` … `N-1.orders.>` when it has partitions. */
export function streamSubjects(subjects: readonly string[], partitions: number): string[] {
  const all = [...subjects];
  for (let partition = 0; partition < partitions; partition++) {
    for (const subject of subjects) all.push(`${partition}.${subject}`);
  }
  return all;
}

/**
 * The durable of a group in a stream or in one of its partitions: `billing`, `billing@3`. A dot is written `=`; neither `=` nor `@`
 * can be in a group's name, so that two groups never share one. Must never change: a renamed durable replays or skips a user's data.
 */
export function durableName(topicPrefix: string, group: string, partition: number | undefined): string {
  const name = (topicPrefix + group).replaceAll('.', '=');
  return partition === undefined ? name : `${name}@${partition}`;
}

/** For logs and health: `billing/ORDERS`, `billing/ORDERS[3]`. */
export function sourceName(group: string, stream: string, partition: number | undefined): string {
  return partition === undefined ? `${group}/${stream}` : `${group}/${stream}[${partition}]`;
}
