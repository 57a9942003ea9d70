import { describe, expect, it } from 'vitest';
import { natsTransport, type NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
import { resolveNatsOptions } from '../../../../lib/transports/nats/nats.options.js';

/** As a JavaScript user may call it. */
const faults = (options: object): readonly string[] => {
  const untyped: NatsTransportOptions = options;
  return natsTransport(untyped).validate();
};

describe('the options of natsTransport()', () => {
  it('are all optional', () => {
    expect(natsTransport().validate()).toEqual([]);
    expect(resolveNatsOptions({})).toMatchObject({
      policy: 'create',
      ackWaitMs: 10_000,
      memberTtlMs: 10_000,
      maxAckPending: 20_000,
      pullExpiryMs: 2_000,
      streams: [],
      connection: { servers: 'localhost:4222' },
      deadLetters: { storage: 'file', maxAgeMs: 604_800_000, discard: 'new', duplicateWindowMs: 120_000 },
    });
  });

  it('take the duplicate window no longer than the stream keeps messages', () => {
    const { streams } = resolveNatsOptions({ streams: [{ name: 'S', subjects: ['s'], maxAgeMs: 5_000 }] });
    expect(streams[0]).toMatchObject({ maxAgeMs: 5_000, duplicateWindowMs: 5_000, partitions: 0, retention: 'limits' });
  });

  it.each([
    [{ ackWaitMs: 3 }, ['ackWaitMs must be an integer from 500 to 3600000, got 3']],
    [{ memberTtlMs: 5_000 }, ['ackWaitMs must be at most memberTtlMs (5000), got 10000']],
    [{ memberTtlMs: 3_000, ackWaitMs: 3_000 }, ['pullExpiryMs must be at most half of memberTtlMs (3000), got 2000']],
    [{ instanceId: 'a.b' }, ['instanceId must be 1 to 100 letters, digits, "_" and "-", got "a.b"']],
    [{ policy: 'make' }, ['policy must be one of "create", "create-or-update", "validate", "none", got "make"']],
    [{ nope: 1, connection: { serverz: 'x' } }, ['connection.serverz is not an option', 'nope is not an option']],
    [
      { streams: [{ name: 'a b', subjects: [] }] },
      [
        'streams[0].name must be 1 to 100 letters, digits, "_" and "-", got "a b"',
        'streams[0].subjects must have at least one topic, got []',
      ],
    ],
    [
      { streams: [{ name: 'A', subjects: ['a..b'] }] },
      ['streams[0].subjects[0] must be a topic or a pattern, got "a..b"'],
    ],
    [
      { streams: [{ name: 'A', subjects: ['>'] }] },
      ['streams[0].subjects[0] must not match dead.…, which has a stream of its own, got ">"'],
    ],
    [
      { streams: [{ name: 'A', subjects: ['*.a'], partitions: 2 }] },
      [
        'streams[0].subjects[0] must not match dead.…, which has a stream of its own, got "*.a"',
        'streams[0].subjects[0] must begin with a name, for partitions are the first token, got "*.a"',
      ],
    ],
    [
      {
        streams: [
          { name: 'A', subjects: ['a.>'] },
          { name: 'A', subjects: ['a.b'] },
        ],
      },
      [
        'streams[1].name must be unique, got "A" twice',
        'streams[1].subjects[0] must not overlap another subject, got "a.b"',
      ],
    ],
    [{ connection: { token: 't', user: 'u' } }, ['connection must have one way to authenticate, got user and token']],
    [{ connection: { pass: 'p' } }, ['connection.pass must come with connection.user, got none']],
  ])('says every fault of %j', (options, expected) => {
    expect([...faults(options)].toSorted()).toEqual([...expected].toSorted());
  });

  it('never repeats a secret', () => {
    const secret = 'planted-secret';
    const connection = {
      pass: [secret],
      token: { secret },
      nkeySeed: 5,
      creds: [secret],
      servers: [5, `nats://u:${secret}@x y`],
      tls: { key: [secret] },
    };
    expect(faults({ connection }).join()).not.toContain(secret);
    expect(faults({ connection }).length).toBeGreaterThanOrEqual(5);
  });
});
