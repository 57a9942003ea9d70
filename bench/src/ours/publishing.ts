import type { Type } from '@nestjs/common';
import {
  type EventBusService,
  OnPublishResults,
  type PublishOptions,
  type PublishRequest,
  type PublishResult,
} from 'nestjs-eventbus';
import type { Enough } from '../measure/pace.js';
import { dataOf } from '../measure/events.js';

/** Events in a call of `publishMany`, and calls at once. */
const BATCH = 1_000;
const BATCHES_AT_ONCE = 4;

export interface Sent {
  readonly sent: number;
  readonly confirmed: number;
}

const never: Enough = () => false;

/** `publishMany`, a few calls at a time, until the clock says so or all are sent. */
export async function publishInBatches(
  bus: EventBusService,
  topic: string,
  { enough = never, most = Infinity, bytes = 100 }: { enough?: Enough; most?: number; bytes?: number },
): Promise<Sent> {
  let sent = 0;
  let confirmed = 0;
  const lane = async (): Promise<void> => {
    while (sent < most && !enough(sent)) {
      const first = sent;
      sent += Math.min(BATCH, most - sent);
      const results = await bus.publishMany(requests(topic, first, sent, bytes));
      for (const { outcome } of results) if (outcome === 'confirmed') confirmed += 1;
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, lane));
  return { sent, confirmed };
}

function requests(topic: string, from: number, to: number, bytes: number): PublishRequest<PublishOptions>[] {
  return Array.from({ length: to - from }, (_, index) => {
    const data = dataOf(from + index, { bytes });
    return { topic, data, options: { key: data.key } };
  });
}

/** A thousand callers, each awaiting its own `publish`. */
export async function publishAwaited(bus: EventBusService, topic: string, enough: Enough): Promise<Sent> {
  let sent = 0;
  let confirmed = 0;
  const caller = async (): Promise<void> => {
    while (!enough(sent)) {
      const data = dataOf(sent++);
      await bus.publish(topic, data, { key: data.key });
      confirmed += 1;
    }
  };
  await Promise.all(Array.from({ length: 1_000 }, caller));
  return { sent, confirmed };
}

/** What `@OnPublishResults()` has been told so far. */
export class Outcomes {
  confirmed = 0;
  ended = 0;
}

/** A provider that counts results. */
export function resultCounter(outcomes: Outcomes): Type {
  class ResultCounter {
    @OnPublishResults()
    onResults(results: readonly PublishResult[]): void {
      outcomes.ended += results.length;
      for (const { outcome } of results) if (outcome === 'confirmed') outcomes.confirmed += 1;
    }
  }
  return ResultCounter;
}

/** `enqueue`, with no more than a few thousand on their way; results are counted by a method of the application. */
export async function enqueueAll(
  bus: EventBusService,
  topic: string,
  enough: Enough,
  outcomes: Outcomes,
): Promise<Sent> {
  let sent = 0;
  while (!enough(sent)) {
    for (let room = BATCH * BATCHES_AT_ONCE - (sent - outcomes.ended); room > 0; room--) {
      const data = dataOf(sent);
      if (!bus.enqueue(topic, data, { key: data.key }).accepted) break;
      sent += 1;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await bus.flush();
  return { sent, confirmed: outcomes.confirmed };
}
