import type { Broker } from 'kafkajs';
import { rootOf } from './client-errors.js';
import type { FetchPosition, MemberHooks, TopicPartition } from './driver.js';
import type { Interrupts } from './interrupts.js';
import { cutFetches, overridden, type FetchAnswer, type FetchRequest } from './kafkajs-internals.js';

const NOTHING: FetchAnswer = { responses: [] };
/** Not none at all: kafkajs would come back without letting anything else run. */
const A_MOMENT_MS = 5;

/** What the gate needs of the member. */
export interface FetchGate {
  readonly hooks: MemberHooks;
  /** How long a fetch may wait for something to come when all of its partitions are asked for. */
  readonly idleWaitMs: number;
  readonly interrupts: Interrupts;
  /** The member has something else to do than to fetch. */
  isUrgent(): boolean;
  logRange(partition: TopicPartition): Promise<{ readonly earliest: bigint; readonly latest: bigint }>;
  seek(position: FetchPosition): void;
}

/**
 * A broker whose fetch asks for those partitions only that may be fetched at that moment, and that handles an offset out of
 * range itself: kafkajs would commit -2 for it. Instead of kafkajs's pause, which throws away what arrives while paused.
 */
export function gatedBroker(broker: Broker, gate: FetchGate): Broker {
  const fetch = async (request: FetchRequest): Promise<FetchAnswer> => {
    const wanted = positionsOf(request);
    const fetchable = gate.isUrgent() ? [] : gate.hooks.fetchable(wanted);
    if (fetchable.length === 0) return gate.interrupts.race(room(gate), NOTHING, nothing);
    return fetchNow(broker, waiting(allowedPart(request, fetchable), fetchable.length === wanted.length, gate), gate);
  };
  return overridden(broker, { fetch });
}

async function room(gate: FetchGate): Promise<FetchAnswer> {
  await gate.hooks.fetchableAgain(gate.isUrgent() ? A_MOMENT_MS : gate.idleWaitMs);
  return NOTHING;
}

/** With all partitions in it, a fetch may wait long: an idle member costs next to nothing. What is left out may be wanted soon. */
function waiting(request: FetchRequest, isWhole: boolean, { idleWaitMs }: FetchGate): FetchRequest {
  return isWhole ? { ...request, maxWaitTime: Math.max(request.maxWaitTime ?? 0, idleWaitMs) } : request;
}

async function fetchNow(broker: Broker, request: FetchRequest, gate: FetchGate): Promise<FetchAnswer> {
  try {
    const cut = (): void => cutFetches(broker);
    const answer: FetchAnswer = await gate.interrupts.race(broker.fetch(request), NOTHING, cut);
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

function nothing(): void {
  // there is no connection to cut
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
