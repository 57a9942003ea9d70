import { MsgImpl } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { readAckReply } from '../../../../lib/transports/nats/ack-reply.js';
import { InHand } from '../../../../lib/transports/nats/in-hand.js';
import { NatsDelivery } from '../../../../lib/transports/nats/nats.delivery.js';
import { NatsSource } from '../../../../lib/transports/nats/nats.source.js';
import { RawMessage } from '../../../../lib/transports/nats/raw-message.js';

const source = new NatsSource('g/S', 'g', 0, { lease: () => 'held', replenished: () => undefined });
const delivery = (streamSequence: number, storedNanos = 1_000 + streamSequence): NatsDelivery => {
  const reply = `$JS.ACK.S.g.1.${streamSequence}.1.${storedNanos}.0`;
  const facts = { deliveries: 1, streamSequence, consumerSequence: 1, storedNanos, pending: 0 };
  const bytes = { subject: Buffer.from('a'), reply: Buffer.from(reply), sid: 1, hdr: -1, size: 1 };
  const raw = new RawMessage(new MsgImpl(bytes, Buffer.from('x'), { publish: () => undefined }), reply);
  return new NatsDelivery(source, { stream: 'S', topicAt: 0 }, facts, raw);
};

describe('what is in hand', () => {
  it('tells a redelivery from another message under the same sequence', () => {
    const inHand = new InHand(10);
    inHand.add(delivery(1));
    expect(inHand.find(1, 1_001)).toBeDefined();
    expect(inHand.find(1, 5_000)).toBeUndefined();
    const one = inHand.find(1, 1_001);
    if (one !== undefined) {
      expect([inHand.remove(one), inHand.remove(one)]).toEqual([true, false]);
      inHand.settled(one);
    }
    expect([inHand.wasSettled(1, 1_001), inHand.wasSettled(1, 5_000)]).toEqual([true, false]);
  });

  it('remembers the last settled ones, and no more', () => {
    const inHand = new InHand(3);
    for (let sequence = 1; sequence <= 5; sequence++) inHand.settled(delivery(sequence));
    expect(inHand.settledBetween(0, 100)).toEqual([3, 4, 5]);
    expect(inHand.settledBetween(3, 4)).toEqual([4]);
  });

  it('counts within what the server knows', () => {
    const inHand = new InHand(3);
    for (const sequence of [2, 5, 9]) inHand.add(delivery(sequence));
    expect([inHand.countBetween(0, 100), inHand.countBetween(2, 8), inHand.countBetween(9, 10)]).toEqual([3, 1, 0]);
  });
});

describe('the reply of a delivery', () => {
  it('is read with and without a domain', () => {
    const facts = {
      deliveries: 2,
      streamSequence: 7,
      consumerSequence: 9,
      storedNanos: 1_700_000_000_000_000_000,
      pending: 4,
    };
    expect(readAckReply('$JS.ACK.ORDERS.billing@3.2.7.9.1700000000000000000.4')).toEqual(facts);
    expect(readAckReply('$JS.ACK.hub.ACCHASH.ORDERS.billing@3.2.7.9.1700000000000000000.4.rnd')).toEqual(facts);
    expect(readAckReply('_INBOX.abc')).toBeUndefined();
    expect(readAckReply(undefined)).toBeUndefined();
  });
});
