import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type DeadLetterPart, readDeadLetter } from 'nestjs-eventbus/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeadLetterHeaders } from '../../../lib/dispatch/dead-letter.headers.js';
import { natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { noise } from './cases.large.js';
import { natsOutside } from './support/outside.js';
import { Subject } from './support/subject.js';

const { url, version } = await natsServer();
/** The server's default, which every part must respect. */
const MAX_PAYLOAD = 1_048_576;

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
    for (let seq = last + 1; ; ) {
      const query = Object.assign({ seq }, { next_by_subj: subject.deadTopic });
      const stored = await manager.streams.getMessage('DEAD_LETTERS', query).catch(() => undefined);
      if (stored === undefined) return parts;
      seq = stored.seq + 1;
      const { header } = stored;
      parts.push({ seq: stored.seq, headers: { get: (name) => header.get(name) || undefined }, body: stored.data });
    }
  }

  it.each([
    ['as large as the server takes', noise(1_040_000), 'x'],
    ['with headers that fill what JetStream keeps of them', Buffer.from('{'), 'ä'.repeat(31_000)],
    ['with headers that need more room than they had', Buffer.from('{'), Buffer.alloc(60_000, 0xfc)],
  ])('stores in parts, whole, what came %s', async (_, body, value) => {
    const seen = await partsAfter(0);
    const before = subject.lettersStored;
    await subject.outside.send({ key: 'k', body, headers: [['x-own', value]] });
    await subject.handlesTheNext('k');
    await eventually(() => expect(subject.lettersStored).toBe(before + 1));

    const parts = await partsAfter(seen.at(-1)?.seq ?? 0);
    expect(parts.length).toBeGreaterThan(1);
    expect(Math.max(...parts.map((part) => part.body.length))).toBeLessThan(MAX_PAYLOAD);
    const whole = readDeadLetter(parts);
    expect(Buffer.compare(whole.body, body)).toBe(0);
    const history = readDeadLetterHeaders(whole.headers);
    expect(history).toMatchObject({ topic: subject.outside.topic, error: { code: 'EVENT_BUS_DECODE_FAILED' } });
    const [, kept = ''] = history?.headers.find(([name]) => name === 'x-own') ?? [];
    expect(Buffer.from(kept).equals(Buffer.from(value))).toBe(true);
  });
});
