import { TopologyError } from '../../core/errors.js';
import { isDeadTopic } from '../../core/pattern.js';
import type { Subscription } from '../../transport/transport.js';
import { claimKey } from './claims/names.js';
import { durableName, sourceName } from './names.js';
import { disjoint, hull, intersect } from './subjects.js';

/** A stream as consuming sees it: subjects on the wire, without partitions. */
export interface ConsumedStream {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly partitions: number;
}

/** One durable consumer to be. */
export interface ConsumerPlan {
  /** For logs and health. */
  readonly name: string;
  readonly subscription: Subscription;
  readonly stream: string;
  readonly partition: number | undefined;
  readonly durable: string;
  /** Of its claim, where one instance owns it. */
  readonly claimKey: string;
  /** What the group wants of it: subjects on the wire. */
  readonly wanted: readonly string[];
  /** What the server is asked to filter by; may bring more than is wanted, and is the same array as `wanted` when it does not. */
  readonly filters: readonly string[];
  /** Characters before the application's topic: prefix and partition token. */
  readonly topicAt: number;
}

export interface PlanContext {
  readonly topicPrefix: string;
  /** Whether a consumer may have several filters: 2.10. */
  readonly manyFilters: boolean;
}

/** The durables of a group: one per stream that has what it wants, and one more per partition. */
export function planConsumers(
  subscription: Subscription,
  streams: readonly ConsumedStream[],
  context: PlanContext,
): ConsumerPlan[] {
  return streams.flatMap((stream) => {
    const wanted = wantedOf(subscription.patterns, stream, context.topicPrefix);
    if (wanted.length === 0) return [];
    const partitions: (number | undefined)[] = [
      undefined,
      ...Array.from({ length: stream.partitions }, (_, partition) => partition),
    ];
    return partitions.map((partition) => planOne({ subscription, stream, wanted, partition }, context));
  });
}

/** Subjects of the stream that the group's patterns match. Patterns match dead letters only when they begin with `dead.`. */
function wantedOf(patterns: readonly string[], stream: ConsumedStream, prefix: string): string[] {
  const wanted = patterns.flatMap((pattern) =>
    stream.subjects.flatMap((subject) => {
      const both = intersect(prefix + pattern, subject);
      return both === undefined || isDeadTopic(both.slice(prefix.length)) !== isDeadTopic(pattern) ? [] : [both];
    }),
  );
  return [...new Set(wanted)];
}

interface PlanParts {
  readonly subscription: Subscription;
  readonly stream: ConsumedStream;
  readonly wanted: readonly string[];
  readonly partition: number | undefined;
}

function planOne({ subscription, stream, wanted, partition }: PlanParts, context: PlanContext): ConsumerPlan {
  const lead = partition === undefined ? '' : `${partition}.`;
  const subjects = wanted.map((subject) => lead + subject);
  const separate = disjoint(subjects);
  const filters =
    context.manyFilters || separate.length < 2 ? separate : [separate.reduce((one, other) => hull(one, other))];
  return {
    name: sourceName(subscription.group, stream.name, partition),
    subscription,
    stream: stream.name,
    durable: durableName(context.topicPrefix, subscription.group, partition),
    claimKey: claimKey(stream.name, partition),
    partition,
    wanted: subjects,
    filters: isExact(filters, subjects) ? subjects : filters,
    topicAt: lead.length + context.topicPrefix.length,
  };
}

/** Whether the filters bring nothing beyond what is wanted. */
function isExact(filters: readonly string[], wanted: readonly string[]): boolean {
  return filters.length === wanted.length && filters.every((filter) => wanted.includes(filter));
}

/** Whether some stream takes something of the pattern. */
export function isCovered(pattern: string, streams: readonly ConsumedStream[], topicPrefix: string): boolean {
  return streams.some((stream) => wantedOf([pattern], stream, topicPrefix).length > 0);
}

/** Says which line is missing in the options. */
export function uncoveredPattern(pattern: string, group: string): TopologyError {
  const first = pattern.split('.')[0] ?? '';
  const known = first !== '*' && first !== '>';
  const name = known ? first.toUpperCase().replaceAll(/[^A-Z0-9_-]/g, '_') : 'ORDERS';
  const subject = known ? (pattern.includes('.') ? `${first}.>` : first) : 'orders.>';
  return new TopologyError(
    `No stream has what group "${group}" consumes with "${pattern}". Declare it: natsTransport({ streams: [{ name: '${name}', subjects: ['${subject}'] }] })`,
  );
}
