import { describe, expect, it } from 'vitest';
import type { BusSnapshot, PoolSnapshot } from '../../../lib/event-bus.snapshot.js';
import { assessHealth, assessLiveness, assessReadiness } from '../../../lib/health/assessment.js';
import { reportOf } from '../../../lib/health/report.js';
import { DEFAULT_HEALTH_OPTIONS, resolveHealthOptions } from '../../../lib/health/health.options.js';

const NOW = 1_000_000;

const POOL: PoolSnapshot = {
  workers: 2,
  running: 0,
  waiting: 0,
  backingOff: 0,
  keys: 0,
  saturatedSince: undefined,
  longestRunning: undefined,
};

function snapshot(change: Partial<BusSnapshot> = {}): BusSnapshot {
  return {
    bus: 'default',
    group: 'billing',
    state: 'running',
    stateSince: 0,
    now: NOW,
    transport: { name: 'memory', status: { state: 'connected', since: 0 }, details: {} },
    pools: { global: POOL, keyed: POOL },
    ack: { pending: 0, pendingBytes: 0, oldestSince: undefined, resultsWaiting: 0, recentLatencyMs: undefined },
    consumers: [],
    stalls: [],
    totals: {
      published: 0,
      rejected: 0,
      unknown: 0,
      handled: 0,
      retried: 0,
      ignored: 0,
      deadLettersStored: 0,
      deadLettersFailed: 0,
      droppedAtMostOnce: 0,
      failedAtMostOnce: 0,
      defects: 0,
      overlapsAfterTimeout: 0,
      overlapsAfterDeadline: 0,
      overlapsAfterLoss: 0,
      endedLate: 0,
    },
    deadLettersFailingSince: undefined,
    leftBehind: undefined,
    failure: undefined,
    eventLoop: undefined,
    handles: [],
    consuming: true,
    consumesByOption: true,
    ...change,
  };
}

function away(sinceMs: number): BusSnapshot['transport'] {
  return { name: 'memory', status: { state: 'disconnected', since: NOW - sinceMs }, details: {} };
}

function progress(agoMs: number): BusSnapshot['consumers'] {
  const source = {
    name: 'billing/t[0]',
    group: 'billing',
    inFlight: 1,
    lag: 5,
    lease: 'held',
    blockedByKey: undefined,
    stops: { queue: 0, bytes: 0, key: 0 },
  } as const;
  return [{ ...source, lastProgressAt: NOW - agoMs }];
}

function stall(since: number): BusSnapshot['stalls'][number] {
  const of = { group: 'billing', source: 'billing/t[0]', handler: 'A.b', topic: 't', key: undefined };
  return { kind: 'handler', what: 'A.b on t', since, ...of, heldBy: 'handler', why: 'it runs' };
}

const unsure = progress(0).map((consumer) => ({ ...consumer, lease: 'unsure' as const }));
const blocked = (agoMs: number) =>
  snapshot({ eventLoop: { blocks: 1, longestMs: 9_000, lastMs: 9_000, lastAt: NOW - agoMs } });
const failed = snapshot({ state: 'failed', failure: new Error('no stream covers "t"') });
const saturated = { global: POOL, keyed: { ...POOL, saturatedSince: NOW - 60_000 } };
const failing = (forMs: number) => snapshot({ deadLettersFailingSince: NOW - forMs });
const claiming = (claim: object) => snapshot({ transport: { ...snapshot().transport, details: { claims: [claim] } } });
const filled = (fill: number) =>
  snapshot({ transport: { ...snapshot().transport, details: { streams: [{ name: 'ORDERS', fill }] } } });

describe('health', () => {
  it.each<[string, BusSnapshot, string]>([
    ['up when nothing is wrong', snapshot(), 'up'],
    ['degraded when the broker has just gone', snapshot({ transport: away(9_999) }), 'degraded'],
    ['down when the broker has been away for 10 s', snapshot({ transport: away(10_000) }), 'down'],
    ['up on a backlog, however long it lasts', snapshot({ pools: saturated, consumers: progress(100) }), 'up'],
    [
      'degraded when a saturated pool makes no progress',
      snapshot({ pools: saturated, consumers: progress(60_000) }),
      'degraded',
    ],
    ['degraded when a handler is stalled', snapshot({ stalls: [stall(NOW - 60_001)] }), 'degraded'],
    ['degraded when a lease is in doubt', snapshot({ consumers: unsure }), 'degraded'],
    ['degraded when the event loop was blocked a while ago', blocked(59_999), 'degraded'],
    ['up when the event loop was blocked long ago', blocked(60_000), 'up'],
    ['down when it cannot start', failed, 'down'],
    [
      'degraded when it has failed at an event itself',
      snapshot({ totals: { ...snapshot().totals, defects: 1 } }),
      'degraded',
    ],
    ['up when dead letters have just failed', failing(29_999), 'up'],
    ['degraded when dead letters fail for 30 s', failing(30_000), 'degraded'],
    ['up while a group holds its claims', claiming({ group: 'billing' }), 'up'],
    ['degraded while a group cannot hold its claims', claiming({ group: 'billing', trouble: 'TIMEOUT' }), 'degraded'],
    ['up when a stream is at 79 % of a limit', filled(0.79), 'up'],
    ['degraded when a stream is at 80 % of a limit', filled(0.8), 'degraded'],
    ['up while it drains', snapshot({ state: 'draining' }), 'up'],
  ])('is %s', (_name, given, status) => {
    expect(assessHealth(given, DEFAULT_HEALTH_OPTIONS).status).toBe(status);
  });

  it('gives every reason', () => {
    const given = snapshot({
      transport: away(5),
      deadLettersFailingSince: 0,
      stalls: [stall(0)],
    });
    expect(assessHealth(given, DEFAULT_HEALTH_OPTIONS).reasons).toEqual([
      'the broker has been away for 5 ms',
      'A.b on t has been stalled for 1000000 ms: it runs',
      'dead letters cannot be stored for 1000000 ms',
    ]);
  });

  it('names twenty stalls, and counts the others', () => {
    const given = snapshot({ stalls: Array.from({ length: 23 }, () => stall(0)) });
    const { reasons } = assessHealth(given, DEFAULT_HEALTH_OPTIONS);
    expect(reasons).toHaveLength(21);
    expect(reasons.at(-1)).toBe('3 more are stalled');
  });

  it('takes each threshold as an option', () => {
    const options = resolveHealthOptions({ thresholds: { disconnectedMs: 5 } });
    expect(assessHealth(snapshot({ transport: away(5) }), options).status).toBe('down');
    expect(() => resolveHealthOptions({ thresholds: { streamFill: 2 } })).toThrow(
      'health.thresholds.streamFill must be at most 1, got 2',
    );
  });
});

describe('readiness', () => {
  it.each<[string, BusSnapshot, string]>([
    ['up when the bus runs', snapshot(), 'up'],
    ['down while it starts', snapshot({ state: 'starting' }), 'down'],
    ['down while the broker is away', snapshot({ transport: away(0) }), 'down'],
    ['down while it drains', snapshot({ state: 'draining' }), 'down'],
    ['down when it cannot start, and says why', failed, 'down'],
    ['down while it only publishes', snapshot({ state: 'publishing-only' }), 'down'],
  ])('is %s', (_name, given, status) => {
    expect(assessReadiness(given, DEFAULT_HEALTH_OPTIONS).status).toBe(status);
  });

  it('is degraded while the broker is away, by option', () => {
    const options = resolveHealthOptions({ readiness: { broker: 'degraded' } });
    expect(assessReadiness(snapshot({ transport: away(0) }), options).status).toBe('degraded');
    expect(assessReadiness(snapshot({ state: 'starting', transport: away(0) }), options).status).toBe('degraded');
    expect(assessReadiness(snapshot({ state: 'draining', transport: away(0) }), options).status).toBe('down');
  });
});

describe('liveness', () => {
  it.each<[string, BusSnapshot, string]>([
    ['up while it starts', snapshot({ state: 'starting' }), 'up'],
    ['up while the broker is away', snapshot({ transport: away(1_000_000) }), 'up'],
    ['up while something stalls', snapshot({ stalls: [stall(0)] }), 'up'],
    ['up to the end of the shutdown', snapshot({ state: 'closed' }), 'up'],
    ['down when the bus has given up starting: only another process tries again', failed, 'down'],
    ['up while a bus that could not start shuts down', { ...failed, state: 'draining' }, 'up'],
  ])('is %s', (_name, given, status) => {
    expect(assessLiveness(given).status).toBe(status);
  });
});

describe('the report', () => {
  it('adds up what transports count as revivals, wherever in their details they count it', () => {
    const details = {
      consumers: [{ revivals: 2 }, { name: 'x', revivals: 1 }],
      groups: { a: { revivals: 4 }, b: null },
    };
    const given = snapshot({ transport: { ...snapshot().transport, details } });
    expect(reportOf(given)).toMatchObject({ transport: { revivals: 7 } });
    expect(reportOf(snapshot())).toMatchObject({ transport: { revivals: 0 } });
  });

  it('shows what is held up and by what, what was left behind, and a blocked event loop, with ages', () => {
    const events = [{ handler: 'A.b', topic: 't' }];
    const left = { why: 'shutdown', source: undefined, at: NOW - 5, count: 1, lost: 0, events } as never;
    const given = { ...blocked(7), stalls: [stall(NOW - 9)], leftBehind: left };
    expect(reportOf(given)).toMatchObject({
      stalls: [{ what: 'A.b on t', heldBy: 'handler', why: 'it runs', forMs: 9 }],
      leftBehind: { why: 'shutdown', count: 1, agoMs: 5, events },
      eventLoop: { blocks: 1, lastMs: 9_000, lastAgoMs: 7 },
    });
  });
});
