import { type CanActivate, type PipeTransform, type Type, UseGuards, UsePipes } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { type EventContext, EventHandler } from 'nestjs-eventbus';
import type { Configuration, Repetition } from '../measure/configuration.js';
import { dataOf, type EventData, idOf, idPrefix, JSON_TYPE, SOURCE, timeNow } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { bareHandler, openBus } from '../ours/bus.js';
import { Loopback, type ReadyMessage } from './loopback.transport.js';

export const TOPIC = 'bench.dispatch';
const EVENTS = 300_000;
const BODY_BYTES = 290;

type Seen = { count: number };

/** CPU an event in the process: decode, route, pool, handler, settle; no broker. */
async function dispatching(handler: (seen: Seen) => Type): Promise<Repetition> {
  const transport = new Loopback(TOPIC, 'bench');
  const seen: Seen = { count: 0 };
  const { close } = await openBus({ transport, group: 'bench' }, [handler(seen)]);
  const messages = readyMessages();
  const meter = new Meter(undefined);
  meter.start();
  await transport.deliverAll(messages, EVENTS);
  meter.stop();
  await close();
  const faults = seen.count === EVENTS ? [] : [`${seen.count} of ${EVENTS} events were handled`];
  return meter.repetition(EVENTS, faults);
}

/** Five headers, as the issue of it says: id, source, type, time, key. */
export function readyMessages(): ReadyMessage[] {
  const prefix = idPrefix();
  return Array.from({ length: 10_000 }, (_, n) => {
    const data = dataOf(n, { bytes: BODY_BYTES });
    return {
      body: Buffer.from(JSON.stringify(data)),
      headers: [
        ['ce-id', idOf(prefix, n)],
        ['ce-source', SOURCE],
        ['ce-type', TOPIC],
        ['ce-time', timeNow()],
        ['ce-partitionkey', data.key],
      ],
    };
  });
}

class Open implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class AsItIs implements PipeTransform {
  transform(value: unknown): unknown {
    return value;
  }
}

function guardedHandler(seen: Seen): Type {
  class GuardedHandler {
    @UseGuards(Open)
    @UsePipes(AsItIs)
    @EventHandler(TOPIC)
    async onEvent(@Payload() _data: EventData, @Ctx() _event: EventContext): Promise<void> {
      await Promise.resolve();
      seen.count += 1;
    }
  }
  return GuardedHandler;
}

const count = (seen: Seen) => () => {
  seen.count += 1;
};
const countLater = (seen: Seen) => async () => {
  await Promise.resolve();
  seen.count += 1;
};

export const DISPATCH: readonly Configuration[] = [
  {
    id: `pools/dispatch/sync`,
    title: `synchronous handler, ${JSON_TYPE} of ${BODY_BYTES} B`,
    by: 'ours',
    run: () => dispatching((seen) => bareHandler(TOPIC, count(seen))),
  },
  {
    id: 'pools/dispatch/async',
    title: 'asynchronous handler',
    by: 'ours',
    run: () => dispatching((seen) => bareHandler(TOPIC, countLater(seen))),
  },
  {
    id: 'pools/dispatch/guarded',
    title: 'asynchronous handler with a guard and a pipe',
    by: 'ours',
    run: () => dispatching(guardedHandler),
  },
];
