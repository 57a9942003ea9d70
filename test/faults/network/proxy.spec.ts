import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultProxy } from '../../../tools/faults/index.js';
import { eventually } from '../../support/eventually.js';
import { listen } from '../../support/listen.js';

/** One end of a connection, with what has happened to it. */
interface End {
  readonly socket: Socket;
  received: string;
  hasEnded: boolean;
  /** 'ECONNRESET' after a reset. */
  error: string | undefined;
}

function endOf(socket: Socket): End {
  const end: End = { socket, received: '', hasEnded: false, error: undefined };
  socket.on('data', (chunk: Buffer) => (end.received += chunk.toString()));
  socket.on('end', () => (end.hasEnded = true));
  socket.on('error', (error: NodeJS.ErrnoException) => (end.error = error.code));
  return end;
}

describe('The fault proxy', () => {
  let broker: Server;
  let proxy: FaultProxy;
  let accepted: End[];
  let clients: End[];

  beforeEach(async () => {
    accepted = [];
    clients = [];
    broker = createServer((socket) => accepted.push(endOf(socket)));
    proxy = await FaultProxy.open({ target: await listen(broker) });
  });
  afterEach(async () => {
    await proxy.close();
    for (const { socket } of [...clients, ...accepted]) socket.destroy();
    await new Promise((resolve) => broker.close(resolve));
  });

  function dial(): End {
    const end = endOf(connect({ host: '127.0.0.1', port: proxy.port }));
    clients.push(end);
    return end;
  }

  /** A client and the broker's end of its connection, which have both heard of each other. */
  async function pair(): Promise<{ client: End; server: End }> {
    const before = accepted.length;
    const client = dial();
    client.socket.write('hello ');
    const server = await eventually(() => {
      const found = accepted[before];
      expect(found?.received).toBe('hello ');
      if (found === undefined) throw new Error('Nobody came.');
      return found;
    });
    server.socket.write('welcome ');
    await eventually(() => expect(client.received).toBe('welcome '));
    return { client, server };
  }

  it('carries bytes both ways, passes the end on, and counts', async () => {
    const { client, server } = await pair();
    client.socket.end('bye');
    await eventually(() => expect(server).toMatchObject({ received: 'hello bye', hasEnded: true }));
    await eventually(() => expect(client.hasEnded).toBe(true));

    await eventually(() => expect(proxy.counts.open).toBe(0));
    expect(proxy.counts).toMatchObject({ connections: 1, bytes: { 'to-broker': 9, 'to-client': 8 } });
    expect(Object.values(proxy.counts.struck)).toEqual(Array.from({ length: 10 }, () => 0));
  });

  it('passes a reset on', async () => {
    const { client, server } = await pair();
    server.socket.resetAndDestroy();
    await eventually(() => expect(client.error).toBe('ECONNRESET'));
  });

  it('resets the client when no broker is there', async () => {
    const nobody = await FaultProxy.open({ target: 1 });
    const end = endOf(connect({ host: '127.0.0.1', port: nobody.port }));
    await eventually(() => expect(end.error).toBe('ECONNRESET'));
    await nobody.close();
  });

  it('cut: both ends read the end of the stream, and the next connection works', async () => {
    const { client, server } = await pair();
    proxy.cut();
    await eventually(() => expect([client, server]).toMatchObject([{ hasEnded: true }, { hasEnded: true }]));
    expect([client.error, server.error]).toEqual([undefined, undefined]);
    await pair();
    expect(proxy.counts.struck.cut).toBe(1);
  });

  it('reset: both ends get a reset, and the next connection works', async () => {
    const { client, server } = await pair();
    proxy.reset();
    await eventually(() => expect([client.error, server.error]).toEqual(['ECONNRESET', 'ECONNRESET']));
    await pair();
    expect(proxy.counts.struck.reset).toBe(1);
  });

  it('black hole, existing: nothing arrives either way and nobody hears of it; new connections work', async () => {
    const { client, server } = await pair();
    proxy.blackHole('existing');
    client.socket.write('lost');
    server.socket.write('lost');
    await eventually(() => expect(proxy.counts.lostBytes).toEqual({ 'to-broker': 4, 'to-client': 4 }));
    await pair();

    expect([client, server]).toMatchObject([
      { received: 'welcome ', hasEnded: false, error: undefined },
      { received: 'hello ', hasEnded: false, error: undefined },
    ]);
    expect(proxy.counts.struck['black-hole']).toBe(1);
  });

  it('black hole, new: accepts, swallows and never answers; open connections work', async () => {
    const { client, server } = await pair();
    proxy.blackHole('new');
    const swallowed = dial();
    swallowed.socket.write('is anybody there?');
    await eventually(() => expect(proxy.counts.lostBytes['to-broker']).toBe(17));
    client.socket.write('still here');
    await eventually(() => expect(server.received).toBe('hello still here'));

    expect(accepted).toHaveLength(1);
    expect(swallowed).toMatchObject({ received: '', hasEnded: false, error: undefined });
  });

  it('a swallowed end is not heard of, until the proxy heals', async () => {
    const { client, server } = await pair();
    proxy.blackHole();
    client.socket.destroy();
    const other = dial();
    await eventually(() => expect(proxy.counts.struck['black-hole']).toBe(2));
    expect([server.hasEnded, server.error, other.error]).toEqual([false, undefined, undefined]);
    await proxy.heal();
    await eventually(() => expect(server.hasEnded || server.error === 'ECONNRESET').toBe(true));
    await eventually(() => expect(other.error).toBe('ECONNRESET'));
  });

  it('heal: resets what has missed bytes, and lets go on what has not', async () => {
    const damaged = await pair();
    const unharmed = await pair();
    proxy.blackHole();
    damaged.client.socket.write('lost');
    await eventually(() => expect(proxy.counts.lostBytes['to-broker']).toBe(4));
    await proxy.heal();
    await eventually(() => expect(damaged.client.error).toBe('ECONNRESET'));
    unharmed.client.socket.write('still here');
    await eventually(() => expect(unharmed.server.received).toBe('hello still here'));
    await pair();
  });

  it.each(['client', 'broker'] as const)(
    'half-open: the %s is gone, and the other side does not hear of it',
    async (gone) => {
      const { client, server } = await pair();
      const [left, stays] = gone === 'client' ? [client, server] : [server, client];
      const before = stays.received;
      proxy.halfOpen(gone);
      await eventually(() => expect(left.error).toBe('ECONNRESET'));
      stays.socket.write('anybody?');
      await eventually(() => expect(Object.values(proxy.counts.lostBytes)).toContain(8));
      expect(stays).toMatchObject({ received: before, hasEnded: false, error: undefined });
      expect(proxy.counts.struck['half-open']).toBe(1);
      await pair();
      await proxy.heal();
      await eventually(() => expect(stays.error).toBe('ECONNRESET'));
    },
  );

  it('one-way loss: one direction is swallowed, the other arrives', async () => {
    const { client, server } = await pair();
    proxy.lose('to-client');
    client.socket.write('question');
    await eventually(() => expect(server.received).toBe('hello question'));
    server.socket.write('answer');
    await eventually(() => expect(proxy.counts.lostBytes).toEqual({ 'to-broker': 0, 'to-client': 6 }));
    expect(client.received).toBe('welcome ');

    await proxy.heal();
    const second = await pair();
    proxy.lose('to-broker');
    second.client.socket.write('question');
    await eventually(() => expect(proxy.counts.lostBytes['to-broker']).toBe(8));
    second.server.socket.write('news');
    await eventually(() => expect(second.client.received).toBe('welcome news'));
    expect(second.server.received).toBe('hello ');
  });

  it('hold: keeps back what is sent, ends included, and delivers all of it in order at the end', async () => {
    const { client, server } = await pair();
    proxy.hold();
    for (const part of ['1', '2', '3']) client.socket.write(part);
    client.socket.end('4');
    await eventually(() => expect(proxy.counts.struck.hold).toBeGreaterThan(0));
    expect(server).toMatchObject({ received: 'hello ', hasEnded: false });
    await proxy.heal();
    await eventually(() => expect(server).toMatchObject({ received: 'hello 1234', hasEnded: true }));
  });

  it('delay: everything arrives later, in order, however much the jitter differs', async () => {
    const { client, server } = await pair();
    proxy.delay({ latencyMs: 60, jitterMs: 60 });
    const sentAt = performance.now();
    const parts = Array.from({ length: 20 }, (_, n) => `${n} `);
    for (const part of parts) {
      client.socket.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(server.received).toBe(`hello ${parts.join('')}`), { intervalMs: 1 });
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(59);
    expect(proxy.counts.struck.delay).toBeGreaterThan(0);
  });

  it('throttle: lets so many bytes a second through, in order and complete', async () => {
    const { client, server } = await pair();
    proxy.throttle({ bytesPerSecond: 100_000 });
    const sentAt = performance.now();
    client.socket.write('x'.repeat(20_000));
    await eventually(() => expect(server.received.length).toBeGreaterThan(6), { intervalMs: 1 });
    expect(server.received.length).toBeLessThan(20_000);
    await eventually(() => expect(server.received).toBe(`hello ${'x'.repeat(20_000)}`), { intervalMs: 1 });
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(199);
  });

  it('throttle: makes a sender wait who is faster', async () => {
    const { client, server } = await pair();
    proxy.throttle({ bytesPerSecond: 10_000 });
    client.socket.write(Buffer.alloc(64 * 1024 * 1024));
    await eventually(() => expect(server.received.length).toBeGreaterThan(1_000));
    expect(proxy.counts.bytes['to-broker']).toBeLessThan(2 * 1024 * 1024);
  });

  it('refuse: the port is closed, open connections stay, and heal opens it again', async () => {
    const { client, server } = await pair();
    proxy.refuse();
    const refused = dial();
    await eventually(() => expect(refused.error).toBe('ECONNREFUSED'));
    client.socket.write('still here');
    await eventually(() => expect(server.received).toBe('hello still here'));
    await proxy.heal();
    await pair();
    expect(proxy.counts.struck.refuse).toBe(1);
  });

  it('loses one answer: the request arrives, its answer does not, and the connection is reset', async () => {
    const { client, server } = await pair();
    const lost = proxy.loseNextAnswer((chunk) => chunk.toString() === 'store this');
    client.socket.write('store this');
    await eventually(() => expect(server.received).toBe('hello store this'));
    server.socket.write('stored');
    await lost;
    await eventually(() => expect(client.error).toBe('ECONNRESET'));
    expect(client.received).toBe('welcome ');
    await pair();
  });

  it('goes to another broker from the next connection on', async () => {
    const { client, server } = await pair();
    const others: End[] = [];
    const other = createServer((socket) => others.push(endOf(socket)));
    proxy.retarget(await listen(other));
    const next = dial();
    next.socket.write('hello');
    await eventually(() => expect(others[0]?.received).toBe('hello'));
    client.socket.write('still here');
    await eventually(() => expect(server.received).toBe('hello still here'));
    for (const { socket } of others) socket.destroy();
    await new Promise((resolve) => other.close(resolve));
  });

  it('takes the next connection after each fault, and leaves nothing behind when it closes', async () => {
    for (const strike of [() => proxy.cut(), () => proxy.blackHole(), () => proxy.hold(), () => proxy.refuse()]) {
      await pair();
      strike();
      await proxy.heal();
    }
    await pair();
    await proxy.close();
    expect(proxy.counts.open).toBeGreaterThanOrEqual(0);
    await eventually(() => expect(proxy.counts.open).toBe(0));
    const late = dial();
    await eventually(() => expect(late.error).toBe('ECONNREFUSED'));
  });
});
