import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pulls } from '../../../../lib/transports/nats/pulls.js';

describe('the pulls of a consumer', () => {
  it('count what was asked for and has not come', () => {
    const pulls = new Pulls();
    const ended: string[] = [];
    pulls.open(3, 1_000, 10, () => ended.push('first'));
    const second = pulls.open(5, 2_000, 20, () => ended.push('second'));
    pulls.arrived(100);
    pulls.arrived(5_000);
    expect([pulls.requested, pulls.requestedBytes, pulls.size]).toEqual([6, 2_000, 2]);
    pulls.arrived(1);
    expect(ended).toEqual(['first']);
    expect(pulls.end(second.token)).toBe(true);
    expect(pulls.end(second.token)).toBe(false);
    expect([pulls.requested, pulls.requestedBytes, pulls.size, ended]).toEqual([0, 0, 0, ['first', 'second']]);
  });

  it('end when the server has forgotten them', () => {
    const pulls = new Pulls();
    pulls.open(3, 0, 10);
    pulls.open(4, 0, 20);
    expect([pulls.endOverdue(9), pulls.endOverdue(10), pulls.requested]).toEqual([0, 1, 4]);
    pulls.endAll();
    expect(pulls.requested).toBe(0);
  });

  it('never count below nothing, whatever comes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('open' as const), n: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('arrived' as const), n: fc.nat(500) }),
      fc.record({ kind: fc.constant('end' as const), n: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const pulls = new Pulls();
        for (const { kind, n } of steps) {
          if (kind === 'open') pulls.open(n, n * 100, 0);
          else if (kind === 'arrived') pulls.arrived(n);
          else pulls.end(n.toString(36));
          expect(pulls.requested).toBeGreaterThanOrEqual(pulls.size);
          expect(pulls.requestedBytes).toBeGreaterThanOrEqual(0);
        }
        pulls.endAll();
        expect([pulls.requested, pulls.requestedBytes]).toEqual([0, 0]);
      }),
    );
  });
});
