import type { Broker } from 'kafkajs';
import { rootOf } from './client-errors.js';
import type { FetchPosition, MemberHooks, TopicPartition } from './driver.js';
import { overridden, type FetchAnswer, type FetchRequest } from './kafkajs-internals.js';

const NOTHING: FetchAnswer = { responses: [] };

/** What the gate needs of the member. */
export interface FetchGate {
  readonly hooks: MemberHooks;
  readonly maxWaitTimeMs: number;
  logRange(partition: TopicPartition): Promise<{ readonly earliest: bigint; readonly latest: bigint }>;
  seek(position: FetchPosition): void;
}

/**
 * A broker whose fetch asks for those partitions only that may be fetched at that moment, and that handles an offset out of
 * range itself: kafkajs would commit -2 for it. Instead of kafkajs's pause, which throws away what arrives while paused.
 */
export function gatedBroker(broker: Broker, gate: FetchGate): Broker {
  const fetch = async (request: FetchRequest): Promise<FetchAnswer> => {
    const allowed = allowedPart(request, gate.hooks.fetchable(positionsOf(request)));
    if (allowed.topics.length === 0) {
      await gate.hooks.fetchableAgain(gate.maxWaitTimeMs);
      return NOTHING;
    }
    return fetchNow(broker, allowed, gate);
  };
  return overridden(broker, { fetch });
}

async function fetchNow(broker: Broker, request: FetchRequest, gate: FetchGate): Promise<FetchAnswer> {
  try {
    const answer: FetchAnswer = await broker.fetch(request);
    report(answer, gate.hooks);
    return answer;
  } catch (error) {
    const outside = outsideOf(error);
    if (outside === undefined) throw error;
    const offset = await gate.hooks.outOfRange(outside, await gate.logRange(outside));
    if (offset !== undefined) gate.seek({ ...outside, offset });
    return NOTHING;
  }
}

function report({ responses }: FetchAnswer, hooks: MemberHooks): void {
  for (const { topicName: topic, partitions } of responses) {
    for (const { partition, highWatermark, lastStableOffset = highWatermark, messages } of partitions) {
      const answer = { high: BigInt(highWatermark), stable: BigInt(lastStableOffset), isEmpty: messages.length === 0 };
      hooks.answered({ topic, partition }, answer);
    }
  }
}

function outsideOf(error: unknown): TopicPartition | undefined {
  const root = rootOf(error) as Error & Partial<TopicPartition>;
  if (root.name !== 'KafkaJSOffsetOutOfRange' || root.topic === undefined || root.partition === undefined)
    return undefined;
  return { topic: root.topic, partition: root.partition };
}

function positionsOf({ topics }: FetchRequest): FetchPosition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, fetchOffset }) => ({ topic, partition, offset: BigInt(fetchOffset) })),
  );
}

function allowedPart(request: FetchRequest, allowed: readonly TopicPartition[]): FetchRequest {
  const isAllowed = (topic: string, id: number): boolean =>
    allowed.some((candidate) => candidate.partition === id && candidate.topic === topic);
  const topics = request.topics
    .map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter(({ partition }) => isAllowed(topic, partition)),
    }))
    .filter(({ partitions }) => partitions.length > 0);
  return { ...request, topics };
}
