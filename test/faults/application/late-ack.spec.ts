import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, describe, expect, it } from 'vitest';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { readAckReply } from '../../../lib/transports/nats/ack-reply.js';
import { useChildren } from './support/children.js';
import { NATS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';

const KEYS = keysOf(6);
const EVENTS = 40;
const LEASE_MS = 1_500;
/** Its handler is in the middle of its work, without giving way to anything, when its process is stopped. */
const AT = { key: 'k2', n: 7 };
/** Where it lies: events are published key by key, into a stream of their own. */
const AT_SEQUENCE = KEYS.indexOf(AT.key) * EVENTS + AT.n;
/** Runs when its process is stopped, and still does when that goes on. */
const HELD = { key: 'k5', n: 1 };

/** An ack as it goes over the wire, for everybody on the server to see. */
interface SeenAck {
  readonly sequence: number;
  /** Which delivery of the message it acknowledges, from 1. */
  readonly delivery: number;
}

describe(`F7: an instance that is stopped for longer than the ack wait, on ${NATS.name}`, () => {
  const faults = useFaults(NATS);
  const scene = useChildren(NATS);
  let connection: NatsConnection | undefined;
  afterEach(() => connection?.close());

  async function watchAcks(topic: string): Promise<readonly SeenAck[]> {
    const seen: SeenAck[] = [];
    connection = await connect({ servers: [...faults().faults.servers] });
    const stream = await (await jetstreamManager(connection)).streams.find(topic);
    connection.subscribe(`$JS.ACK.${stream}.>`, {
      callback: (_, message) => {
        const ack = message.string() === '+ACK' ? readAckReply(message.subject) : undefined;
        const isOfDelivery = ack !== undefined && ack.storedNanos > 0; // a take-over settles by sequence, too
        if (isOfDelivery) seen.push({ sequence: ack.streamSequence, delivery: ack.deliveries });
      },
    });
    return seen;
  }

  /** Acks of its first delivery, after that of a later one. */
  function lateAcks(seen: readonly SeenAck[]): SeenAck[] {
    const own = seen.filter(({ sequence }) => sequence === AT_SEQUENCE);
    return own.filter(({ delivery }, at) => delivery === 1 && own.slice(0, at).some((one) => one.delivery > 1));
  }

  it('acks late what another one has handled meanwhile: nothing is lost, and it is told of all it does not own any more', async () => {
    const t = faults();
    const { topic, group, records, publish, start } = await scene(t);
    const seen = await watchAcks(topic);
    const orders = { leaseMs: LEASE_MS, fault: 'loop', loopMs: 500, at: AT, held: HELD } as const;
    const children = [await start('a', orders), await start('b', orders)] as const;
    const published = await publish(KEYS, EVENTS);
    const owner = await t.eventually(() => {
      const found = children.findIndex(({ said }) => said.includes('"looping"'));
      expect(found, 'who is to be stopped').toBeGreaterThanOrEqual(0);
      return found;
    });
    const [stopped, name] = [children[owner], 'ab'[owner] ?? ''];
    stopped?.signal('SIGSTOP');
    const atTheStop = records.running(name).map(({ key, sequence }) => `${key}/${sequence}`);
    await sleep(2 * LEASE_MS);
    const isAckedElsewhere = ({ sequence, delivery }: SeenAck): boolean => sequence === AT_SEQUENCE && delivery > 1;
    await t.eventually(() => expect(seen.some(isAckedElsewhere)).toBe(true), 2);
    expect(records.handledBy(AT)).not.toContain(name);
    stopped?.signal('SIGCONT');

    await t.eventually(() => expect(lateAcks(seen).length, 'late acks').toBeGreaterThan(0), 2);
    expect(records.handledBy(AT).toSorted()).toEqual(['a', 'b']);
    await t.eventually(() => expect(stopped?.said).toEqual(expect.arrayContaining(['"told"', '"blocked"', '"left"'])));
    records.release();
    await t.eventually(() => expect(records.verdict().handled).toBe(published), 3);
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    await Promise.all(children.map((child) => child.close()));
    const { lost, gaps, orderViolations } = records.verdict();
    expect({ lost, gaps }).toEqual({ lost: [], gaps: [] });
    const others = orderViolations.filter((one) => !atTheStop.includes(`${one.key}/${one.other}`));
    expect(others, 'but beside handlers that were running when it was stopped').toEqual([]);
  }, 60_000);
});
