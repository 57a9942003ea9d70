import { type CodecFactory, type EventContext, memoryTransport, type TransportFactory } from 'nestjs-eventbus';
import { createTestBus, type TestBus, type TestBusOptions } from 'nestjs-eventbus/testing';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import { afterEach } from 'vitest';
import { eventually } from '../../../support/eventually.js';
import { unique } from '../../../support/unique.js';

/** What a handler was given. */
export interface Handled {
  readonly data: unknown;
  readonly event: EventContext;
}

/** An application of ours: what it publishes with, and what its handler got. */
export interface OurApplication extends Pick<TestBus, 'bus' | 'snapshot'> {
  readonly group: string;
  /** What was handled so far. */
  readonly handled: readonly Handled[];
  /** The first ones handled, as soon as there are so many. */
  next(count?: number): Promise<readonly Handled[]>;
}

/** Ours, in the tests of one file; closed after the running test. */
const open = new Set<TestBus>();

afterEach(async () => {
  const buses = [...open];
  open.clear();
  for (const bus of buses) await bus.close();
});

/** What `forRoot` is given, for each broker. */
export const transports = {
  memory: () => memoryTransport(),
  nats: (url: string) => natsTransport({ connection: { servers: url }, ackWaitMs: 2_000, pullExpiryMs: 1_000 }),
  kafka: (brokers: readonly string[]) => kafkaTransport({ connection: { brokers }, topicRefreshMs: 500 }),
};

/** A Nest application with one handler, which keeps what it is given. */
export async function startOurs(
  transport: TransportFactory,
  pattern: string,
  codec?: CodecFactory,
  options: TestBusOptions = {},
): Promise<OurApplication> {
  const handled: Handled[] = [];
  const group = unique('ours');
  const bus = await createTestBus({
    transport,
    group,
    ...(codec === undefined ? {} : { codec }),
    ...options,
    testHandlers: [{ on: pattern, handle: (data, event) => void handled.push({ data, event }) }],
  });
  open.add(bus);
  const next = (count = 1): Promise<readonly Handled[]> =>
    eventually(
      () => {
        if (handled.length < count) throw new Error(`${handled.length} of ${count} events were handled.`);
        return handled;
      },
      { timeoutMs: 20_000 },
    );
  return { bus: bus.bus, snapshot: () => bus.snapshot(), group, handled, next };
}

/** The one that was handled, which must be the only one. */
export function only(handled: readonly Handled[]): Handled {
  const [first, ...others] = handled;
  if (first === undefined || others.length > 0) throw new Error(`${handled.length} events were handled.`);
  return first;
}
