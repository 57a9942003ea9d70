import { describe, expect, it } from 'vitest';
import {
  decodeAssignment,
  decodeMember,
  encodeAssignment,
  encodeMember,
  PROTOCOL,
} from '../../../../../lib/transports/kafka/driver/assignment-wire.js';

const hex = (text: string): string => Buffer.from(text).toString('hex');

/** Instances of different releases share a group: these bytes must never change. */
const MEMBER = [
  '0000',
  '00000001',
  `0006${hex('orders')}`,
  '00000025',
  hex('{"v":1,"g":7,"o":{"orders":[0,2,11]}}'),
].join('');
const ASSIGNMENT = [
  '0000',
  '00000001',
  `0006${hex('orders')}`,
  '00000002',
  '0000000100000005',
  '0000001f',
  hex('{"v":1,"more":true,"new":false}'),
].join('');

describe('What members tell each other', () => {
  it('has its name and its form for ever', () => {
    expect(PROTOCOL).toBe('bus-sticky');
    const member = encodeMember(['orders'], { generation: 7, owned: { orders: [0, 2, 11] } });
    const assignment = encodeAssignment({ orders: [1, 5] }, { expectMore: true, isNewGroup: false });

    expect(member.toString('hex')).toBe(MEMBER);
    expect(assignment.toString('hex')).toBe(ASSIGNMENT);
  });

  it('is read back as it was written', () => {
    const claims = { generation: 3, owned: { orders: [0, 1], invoices: [4] } };
    expect(decodeMember('m1', encodeMember(['orders', 'invoices'], claims))).toEqual({
      memberId: 'm1',
      topics: new Set(['orders', 'invoices']),
      ...claims,
    });
    expect(decodeAssignment(encodeAssignment({ orders: [1] }, { expectMore: true, isNewGroup: true }))).toEqual({
      partitions: { orders: [1] },
      expectMore: true,
      isNewGroup: true,
    });
  });

  it('claims nothing when it cannot be understood', () => {
    const foreign = Buffer.concat([
      encodeMember(['orders'], { generation: 1, owned: {} }).subarray(0, 14),
      Buffer.from([0, 0, 0, 2, 1, 2]),
    ]);
    expect(decodeMember('m1', foreign)).toMatchObject({ generation: -1, owned: {} });
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: {}, expectMore: false, isNewGroup: undefined });
  });
});
