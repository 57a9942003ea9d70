import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketNames, claimKey, memberKey, readMemberKey } from '../../../../../lib/transports/nats/claims/names.js';
import { readClaim, readMember, writeClaim, writeMember } from '../../../../../lib/transports/nats/claims/records.js';

describe('names and records of claims', () => {
  it('are these, for ever', () => {
    expect(bucketNames('', 'billing')).toEqual({ members: 'billing-members', claims: 'billing-claims' });
    expect(bucketNames('staging.', 'a.b_c')).toEqual({
      members: 'staging_-a_-b__c-members',
      claims: 'staging_-a_-b__c-claims',
    });
    expect(claimKey('ORDERS', undefined)).toBe('ORDERS');
    expect(claimKey('ORDERS', 3)).toBe('ORDERS.3');
    expect(claimKey('Über $', undefined)).toBe('=c39cber=20=24');
    expect(memberKey({ kind: 'm', id: 'x', name: undefined })).toBe('m.x');
    expect(memberKey({ kind: 'l', id: 'x', name: 'billing-0' })).toBe('l.x.billing-0');
    expect(writeClaim({ owner: 'x', state: 'draining' })).toBe('{"owner":"x","state":"draining"}');
    expect(writeMember({ ORDERS: 8 })).toBe('{"streams":{"ORDERS":8}}');
  });

  it('give two groups never the same bucket, and none that a bucket cannot be called', () => {
    const group = fc.stringMatching(/^[A-Za-z0-9._-]{1,10}$/);
    fc.assert(
      fc.property(group, group, (a, b) => {
        const [one, other] = [bucketNames('', a), bucketNames('', b)];
        expect(one.members === other.members).toBe(a === b);
        expect(one.claims === other.members).toBe(false);
        expect(one.members).toMatch(/^[-\w]+$/);
      }),
    );
  });

  it('give two consumers never the same key, and none that a key cannot be', () => {
    const stream = fc.stringMatching(/^[^.*>/\\\s]{1,8}$/u);
    const partition = fc.option(fc.nat(20), { nil: undefined });
    fc.assert(
      fc.property(stream, partition, stream, partition, (a, p, b, q) => {
        expect(claimKey(a, p) === claimKey(b, q)).toBe(a === b && p === q);
        expect(claimKey(a, p)).toMatch(/^[-=.\w]+$/);
      }),
    );
  });

  it('are read as they were written, and what is none is nobody’s', () => {
    const key = { kind: 'l', id: 'x', name: 'billing-0' } as const;
    expect(readMemberKey(memberKey(key))).toEqual(key);
    expect(readMemberKey('m.x')).toEqual({ kind: 'm', id: 'x', name: undefined });
    for (const other of ['', 'm', 'm.', 'x.y', 'p.1']) expect(readMemberKey(other)).toBeUndefined();
    expect(readClaim('{"owner":"x","state":"owned"}')).toEqual({ owner: 'x', state: 'owned' });
    for (const other of ['', '{}', 'null', '[1]', '{"owner":7}', '{']) expect(readClaim(other).owner).toBe('');
    expect([...readMember(writeMember({ A: 2, B: 0 }))]).toEqual(['A', 'A.0', 'A.1', 'B']);
    for (const other of ['', '{}', 'null', '{"streams":7}']) expect(readMember(other).size).toBe(0);
  });
});
