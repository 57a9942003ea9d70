import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../../lib/transports/nats/murmur2.js';
import {
  durableName,
  sourceName,
  streamName,
  streamSubjects,
  subjectOf,
} from '../../../../lib/transports/nats/names.js';

describe('names on NATS', () => {
  it('are these, for ever', () => {
    expect(streamName('', 'ORDERS')).toBe('ORDERS');
    expect(streamName('staging.', 'ORDERS')).toBe('STAGING_ORDERS');
    expect(streamName('team-a.eu.', 'Orders')).toBe('TEAM_A_EU_Orders');
    expect(subjectOf('', 'orders.placed', undefined)).toBe('orders.placed');
    expect(subjectOf('staging.', 'orders.placed', 3)).toBe('3.staging.orders.placed');
    expect(streamSubjects(['orders.>', 'invoices.*'], 2)).toEqual([
      'orders.>',
      'invoices.*',
      '0.orders.>',
      '0.invoices.*',
      '1.orders.>',
      '1.invoices.*',
    ]);
    expect(durableName('', 'billing', undefined)).toBe('billing');
    expect(durableName('', 'billing', 11)).toBe('billing@11');
    expect(durableName('staging.', 'a.b', 0)).toBe('staging=a=b@0');
    expect(sourceName('billing', 'ORDERS', undefined)).toBe('billing/ORDERS');
    expect(sourceName('billing', 'ORDERS', 2)).toBe('billing/ORDERS[2]');
  });

  it('give two groups or partitions never the same durable, and none that JetStream refuses', () => {
    const group = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/);
    const partition = fc.option(fc.nat(20), { nil: undefined });
    fc.assert(
      fc.property(group, partition, group, partition, (a, p, b, q) => {
        expect(durableName('', a, p) === durableName('', b, q)).toBe(a === b && p === q);
        expect(durableName('x.', a, p)).toMatch(/^[^.*>/\\\s]+$/);
      }),
    );
  });
});

describe('partitions', () => {
  it("are Kafka's murmur2 of the key", () => {
    const known: [string, number][] = [
      ['21', -973932308],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
      ['a-little-bit-longer-string', -1486304829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
      ['abc', 479470107],
    ];
    for (const [key, hash] of known) expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('are the same for a key, and all of them are used', () => {
    const used = new Set(Array.from({ length: 200 }, (_, i) => partitionOf(`key-${i}`, 8)));
    expect(used).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
    expect([partitionOf('k1', 2), partitionOf('k2', 2), partitionOf('k3', 2), partitionOf('Zürich', 7)]).toEqual([
      1, 1, 0, 2,
    ]);
  });
});
