import { createTestBus } from 'nestjs-eventbus/testing';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type DeadLetterPart, readDeadLetter } from 'nestjs-eventbus/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeadLetterHeaders } from '../../../lib/dispatch/dead-letter.headers.js';
import { natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { noise } from './cases.large.js';
import { natsOutside } from './support/outside.js';
import { Subject } from './support/subject.js';

const { url, version } = await natsServer();
/** The server's default, which every part must respect. */
const MAX_PAYLOAD = 1_048_576;

const INPUTS: readonly (readonly [string, Uint8Array, string | Uint8Array])[] = [
  ['as large as the server takes', noise(1_048_000), 'x'],
  ['with headers that fill what JetStream keeps of them', Buffer.from('{'), 'ä'.repeat(32_600)],
  ['with headers that need more room than they had', Buffer.from('{'), Buffer.alloc(60_000, 0xfc)],
];

describe(`dead letters that are larger than the server takes, on nats-server ${version}`, () => {
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let subject: Subject;
  beforeAll(async () => {
    connection = await connect({ servers: url });
    manager = await connection.jetstreamManager();
    subject = await Subject.open(await natsOutside(url));
  });
  afterAll(async () => {
    await subject.close();
    await connection.close();
  });

  /** All messages on the dead-letter subject after a sequence, with what the old client sees of them. */
  async function partsAfter(last: number): Promise<readonly (DeadLetterPart & { readonly seq: number })[]> {
    const parts: (DeadLetterPart & { seq: number })[] = [];
    for (let seq = last + 1; ;) {
      const query = Object.assign({ seq }, { next_by_subj: subject.deadTopic });
      const stored = await manager.streams.getMessage('DEAD_LETTERS', query).catch(() => undefined);
      if (stored === undefined) return parts;
      seq = stored.seq + 1;
      const { header } = stored;
      parts.push({ seq: stored.seq, headers: { get: (name) => header.get(name) || undefined }, body: stored.data });
    }
  }

  it.each(INPUTS)('stores in parts, whole, what came %s', async (_, body, value) => {
    const seen = await partsAfter(0);
    const before = subject.lettersStored;
    await subject.outside.send({ key: 'k', body, headers: [['x-own', value]] });
    await subject.handlesTheNext('k');
    await eventually(() => expect(subject.lettersStored).toBe(before + 1));

    const parts = await partsAfter(seen.at(-1)?.seq ?? 0);
    expect(parts.length).toBe(body.length > 1_000 ? 2 : 1);
    expect(Math.max(...parts.map((part) => part.body.length))).toBeLessThan(MAX_PAYLOAD);
    const whole = readDeadLetter(parts);
    expect(Buffer.compare(whole.body, body)).toBe(0);
    const history = readDeadLetterHeaders(whole.headers);
    expect(history).toMatchObject({ topic: subject.outside.topic, error: { code: 'EVENT_BUS_DECODE_FAILED' } });
    const [, kept = ''] = history?.headers.find(([name]) => name === 'x-own') ?? [];
    expect(Buffer.compare(Buffer.from(kept), Buffer.from(value))).toBe(0);
  });

  it('gives them whole to a handler of the dead-letter topic', async () => {
    const got: { readonly body: Uint8Array | null; readonly value: string | Uint8Array | undefined }[] = [];
    const rescue = await createTestBus({
      transport: subject.outside.transport,
      group: unique('rescue'),
      testHandlers: [
        {
          on: subject.deadTopic,
          handle: (_, { message: { body, headers } }) => {
            const history = readDeadLetterHeaders(headers.entries());
            const [, value] = history?.headers.find(([name]) => name === 'x-own') ?? [];
            got.push({ body, value });
          },
        },
      ],
    });
    try {
      await eventually(() => expect(got).toHaveLength(INPUTS.length), { timeoutMs: 20_000 });
    } finally {
      await rescue.close();
    }
    for (const [index, [, body, value]] of INPUTS.entries()) {
      expect(Buffer.compare(got[index]?.body ?? Buffer.alloc(0), body)).toBe(0);
      expect(Buffer.compare(Buffer.from(got[index]?.value ?? ''), Buffer.from(value))).toBe(0);
    }
  });
});
