import { describe, expect, it } from 'vitest';
import { HandleRegister } from '../../../../../lib/core/handle-register.js';
import type { KafkaDriver, KafkaProducer, ProducerMessage } from '../../../../../lib/transports/kafka/driver/driver.js';
import { PartitionOutbox } from '../../../../../lib/transports/kafka/publishing/partition-outbox.js';
import { ProducerSlot } from '../../../../../lib/transports/kafka/publishing/producer-slot.js';

type Answer = (messages: readonly ProducerMessage[]) => bigint | undefined;

/** Producers that answer as told, one answer a send; numbered in the order of their making. */
function setup(...answers: Answer[]) {
  const sends: { producer: number; bodies: string[] }[] = [];
  const closed: number[] = [];
  let made = 0;
  const createProducer = (): KafkaProducer => {
    const producer = (made += 1);
    return {
      connect: async () => undefined,
      send: async (_, messages) => {
        sends.push({ producer, bodies: messages.map(({ value }) => String(value)) });
        return (answers.shift() ?? (() => 0n))(messages);
      },
      close: async () => void closed.push(producer),
    };
  };
  const driver: KafkaDriver = {
    createProducer,
    createAdmin: unused,
    createMember: unused,
    openSockets: 0,
    unwrap: unused,
  };
  const outcomes = new Map<number, string>();
  const port = {
    confirmed: (slot: number, position: object) => void outcomes.set(slot, `confirmed ${JSON.stringify(position)}`),
    failed: (slot: number, how: string, error: Error) => void outcomes.set(slot, `${how} ${error.name}`),
  };
  let due: PartitionOutbox | undefined;
  const handles = new HandleRegister();
  const producers = new ProducerSlot(driver, handles);
  const target = { topic: 'orders', wireTopic: 'orders', partition: 3, limitBytes: () => 1_000 };
  const outbox = new PartitionOutbox(target, producers, port, (one) => (due = one));
  const add = (...bodies: string[]): void => {
    for (const body of bodies) {
      outbox.add({ slot: Number(body), sizeBytes: 100, message: { key: null, value: Buffer.from(body), headers: [] } });
    }
  };
  const flushAll = async (): Promise<void> => {
    while (due !== undefined) {
      const one = due;
      due = undefined;
      await one.flush();
    }
  };
  return { add, flushAll, outbox, outcomes, sends, closed, handles, producers };
}

function unused(): never {
  throw new Error('not used here');
}

function refuse(type: string): Answer {
  return () => {
    throw Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type });
  };
}

describe('PartitionOutbox', () => {
  it('confirms each message with its own offset', async () => {
    const { add, flushAll, outcomes } = setup(() => 40n);
    add('0', '1');
    await flushAll();
    expect([...outcomes]).toEqual([
      [0, 'confirmed {"partition":3,"offset":40}'],
      [1, 'confirmed {"partition":3,"offset":41}'],
    ]);
  });

  it('confirms nothing when the answer does not name the partition, and sends what comes next with a new producer', async () => {
    const { add, flushAll, outcomes, sends, closed } = setup(() => undefined);
    add('0');
    await flushAll();
    expect([...outcomes]).toEqual([[0, 'unknown EventBusError']]);
    add('1');
    await flushAll();
    expect(sends.map(({ producer }) => producer)).toEqual([1, 2]);
    expect(closed).toEqual([1]);
  });

  it('gives back unsent what waits behind a failed flush, and never has two flushes in flight', async () => {
    const { add, flushAll, outbox, outcomes, sends } = setup(refuse('REQUEST_TIMED_OUT'));
    add('0');
    const flushing = outbox.flush();
    add('1', '2');
    await Promise.all([flushing, outbox.flush()]);
    await flushAll();
    expect([...outcomes]).toEqual([
      [0, 'unknown EventBusError'],
      [1, 'unsent EventBusError'],
      [2, 'unsent EventBusError'],
    ]);
    expect(sends).toHaveLength(1);
  });

  it('keeps the producer, and what waits, after a definite no', async () => {
    const { add, flushAll, outcomes, sends } = setup(refuse('INVALID_RECORD'), () => 5n);
    add('0');
    await flushAll();
    add('1');
    await flushAll();
    expect([...outcomes]).toEqual([
      [0, 'rejected EventBusError'],
      [1, 'confirmed {"partition":3,"offset":5}'],
    ]);
    expect(sends.map(({ producer }) => producer)).toEqual([1, 1]);
  });

  it('sends one by one what was too large together, in order, and rejects only what is too large alone', async () => {
    const tooLarge = refuse('MESSAGE_TOO_LARGE');
    const { add, flushAll, outcomes, sends } = setup(
      tooLarge,
      () => 0n,
      tooLarge,
      () => 1n,
      () => 2n,
    );
    add('0', '1', '2');
    await flushAll();
    add('3');
    await flushAll();
    expect(sends.map(({ bodies }) => bodies)).toEqual([['0', '1', '2'], ['0'], ['1'], ['2'], ['3']]);
    expect([...outcomes].map(([slot, how]) => `${slot} ${how.split(' ')[0]}`)).toEqual([
      '0 confirmed',
      '1 rejected',
      '2 confirmed',
      '3 confirmed',
    ]);
    expect(outcomes.get(1)).toContain('MessageTooLargeError');
  });

  it.each([
    ['NOT_ENOUGH_REPLICAS', 'unsent'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'unknown'],
    ['NOT_LEADER_FOR_PARTITION', 'unknown'],
    ['TOPIC_AUTHORIZATION_FAILED', 'rejected'],
    ['INVALID_TOPIC_EXCEPTION', 'rejected'],
  ])('answers %s with %s', async (type, how) => {
    const { add, flushAll, outcomes } = setup(refuse(type));
    add('0');
    await flushAll();
    expect(outcomes.get(0)?.split(' ')[0]).toBe(how);
  });

  it('closes every producer', async () => {
    const { add, flushAll, producers, handles, closed } = setup();
    add('0');
    await flushAll();
    expect(handles.size).toBe(1);
    await producers.close();
    expect(closed).toEqual([1]);
    expect(handles.size).toBe(0);
  });
});
