import { connect, type NatsConnection } from '@nats-io/transport-node';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Wire } from '../../../lib/transports/nats/wire.js';
import { type NatsServer, startNats } from '../../support/brokers.js';

const RUNS = 30;

/** What comes in, each part as hexadecimal text. */
interface Seen {
  readonly headers: string | undefined;
  readonly body: string;
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.string({ minLength: 5_000, maxLength: 20_000 }));
const body = fc.oneof(text, fc.uint8Array({ maxLength: 2_000 }), fc.constant('\r\nPUB a 1\r\n'));
const value = fc.string({ unit: 'grapheme', maxLength: 30 }).map((one) => one.replaceAll(/[\r\n\0]/g, '').trim());

describe('the wire', () => {
  let server: NatsServer;
  let connection: NatsConnection;

  beforeAll(async () => {
    server = await startNats();
    connection = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await connection.close();
    await server.remove();
  });

  it('carries texts and bytes of any length and order as they are, one after another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(value, body, fc.boolean()), { maxLength: 60 }), async (messages) => {
        const seen: Seen[] = [];
        const subscription = connection.subscribe('wire.*', {
          callback: (_, { headers, data }) =>
            void seen.push({ headers: headers?.get('v'), body: Buffer.from(data).toString('hex') }),
        });
        const wire = new Wire(connection);
        for (const [one, content, asBytes] of messages) {
          const block = `NATS/1.0\r\nv: ${one}\r\n\r\n`;
          const headers = asBytes ? Buffer.from(block) : block;
          wire.publish({ subject: 'wire.a', reply: 'nobody', headers, body: content });
        }
        wire.flush();
        await connection.flush();
        subscription.unsubscribe();
        expect(seen).toEqual(
          messages.map(([headers, content]) => ({ headers, body: Buffer.from(content as string).toString('hex') })),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('writes what waits before what is given to the client afterwards', async () => {
    const seen: string[] = [];
    connection.subscribe('wire.>', { callback: (_, { data }) => void seen.push(Buffer.from(data).toString()) });
    const wire = new Wire(connection);
    wire.publish({ subject: 'wire.b', reply: 'nobody', headers: 'NATS/1.0\r\n\r\n', body: 'first' });
    wire.publishToAll(['wire.c', 'wire.d'], 'both');
    connection.publish('wire.e', 'last');
    await connection.flush();
    expect(seen).toEqual(['first', 'both', 'both', 'last']);
  });

  it('is not made on another kind of connection', () => {
    expect(() => new Wire({} as NatsConnection)).toThrow(TypeError);
  });
});
