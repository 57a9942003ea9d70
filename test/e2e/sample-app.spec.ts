import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fences, read } from '../docs/markdown.js';
import { eventually } from '../support/eventually.js';
import { type AppBroker, BROKER_KINDS } from './support/broker-kinds.js';
import { buildProject, type BuiltProject } from './support/built-project.js';
import { OrderLoad } from './support/order-load.js';
import { order, RunningApp } from './support/running-app.js';

const PLACED_THEN_RESERVED = ['orders.placed', 'orders.reserved'];
const PATIENT = { timeoutMs: 60_000, intervalMs: 100 };

let project: BuiltProject;
const running: RunningApp[] = [];

const start = async (env?: NodeJS.ProcessEnv): Promise<RunningApp> => {
  const app = await RunningApp.start(project, env);
  running.push(app);
  return app;
};

const expectBooked = (app: RunningApp, id: string): Promise<void> =>
  eventually(async () => {
    const { body } = await app.find(id);
    expect(body.entries?.map(({ event }) => event)).toEqual(PLACED_THEN_RESERVED);
  }, PATIENT);

const expectDeadLetter = (app: RunningApp, id: string): Promise<void> =>
  eventually(async () => {
    const { body } = await app.find(id);
    expect(body).toMatchObject({
      status: 'failed',
      entries: [],
      deadLetters: [expect.stringContaining('No warehouse')],
    });
  }, PATIENT);

/** The report that the README shows. */
function readmeHealth(): object {
  const [json = '{}'] = fences({ path: 'README.md', text: read('README.md') }, 'json');
  const shown: { readonly eventBus: object } = JSON.parse(json);
  return shown.eventBus;
}

/** A request the app is in the middle of reading. */
async function openRequest(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const head = ['POST /orders HTTP/1.1', 'host: x', 'content-type: application/json', 'content-length: 99'];
  socket.write([...head, 'expect: 100-continue', '', '{'].join('\r\n'));
  await once(socket, 'data');
  return socket;
}

beforeAll(async () => {
  project = await buildProject();
}, 300_000);
afterAll(() => project.remove());
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.kill()));
});

describe('the sample app in memory', { timeout: 120_000 }, () => {
  it('shows itself working and says which URLs to try', async () => {
    const app = await start();

    expect(app.log).toContain('3 orders booked in order, 4 mails sent, 1 dead letter: the bus works');
    expect(app.log).toContain(`http://localhost:${app.port}/orders`);
    expect(app.log).toContain(`http://localhost:${app.port}/health`);
  });

  it('answers 202 and keeps the ledger of an order in order', async () => {
    const app = await start();

    expect(await app.place(order('o-1'))).toMatchObject({ status: 202, body: { orderId: 'o-1' } });
    await expectBooked(app, 'o-1');
    expect((await app.find('nobody-ordered-this')).status).toBe(404);
  });

  it('makes a dead letter of the order that fails on purpose', async () => {
    const app = await start();

    expect((await app.place(order('o-2', 'unobtainium'))).status).toBe(202);
    await expectDeadLetter(app, 'o-2');
  });

  it('answers 400 to what is no order', async () => {
    const app = await start();
    const wrong = [
      {},
      [],
      'text',
      { ...order('o'), quantity: 'two' },
      { ...order('o'), amount: -1 },
      { ...order('o'), id: '' },
    ];

    for (const body of wrong) expect((await app.place(body)).status, JSON.stringify(body)).toBe(400);
  });

  it('shows the bus in its health', async () => {
    const app = await start();

    const { status, body } = await app.health();
    expect(status).toBe(200);
    expect(body.details.eventBus).toMatchObject({
      status: 'up',
      state: 'running',
      transport: { name: 'memory', state: 'connected' },
      pools: { global: { workers: 256 }, keyed: { workers: 256 } },
      totals: { deadLettersStored: 1 },
    });
    expect((await app.health('health/live')).status).toBe(200);
    expect((await app.health('health/ready')).status).toBe(200);
  });

  it('ends with 0 on the first signal and names what it has closed', async () => {
    const app = await start();

    app.signal('SIGINT');
    expect(await app.ended()).toBe(0);
    expect(app.log).toContain('Closed connection "memory broker"');
    expect(app.log).not.toContain('could not be closed');
  });

  it('ends at once on a second signal, whatever is still going on', async () => {
    const app = await start();
    const request = await openRequest(app.port);

    app.signal('SIGTERM');
    await app.says('Closed timer');
    await sleep(300);
    app.signal('SIGTERM');
    expect(await app.ended()).toBe(1);
    request.destroy();
  });
});

describe.each(['nats', 'kafka'] as const)('the sample app on %s', { timeout: 240_000 }, (kind) => {
  let broker: AppBroker;
  beforeAll(async () => {
    broker = await BROKER_KINDS[kind]();
  }, 180_000);
  afterAll(() => broker.remove());

  it('does what it does in memory', async () => {
    const app = await start(broker.env);

    expect((await app.place(order('same-1'))).status).toBe(202);
    expect((await app.place(order('same-2', 'unobtainium'))).status).toBe(202);
    await expectBooked(app, 'same-1');
    await expectDeadLetter(app, 'same-2');
    const health = (await app.health()).body.details.eventBus;
    expect(health).toMatchObject({ transport: { name: kind } });
    expect(Object.keys(health)).toEqual(Object.keys(readmeHealth()));
  });

  it('goes 503 while its broker is away and comes back, and nothing it has confirmed is lost', async () => {
    const app = await start(broker.env);
    const load = new OrderLoad(app, 'outage');
    await eventually(() => expect(load.confirmed.length).toBeGreaterThan(20), PATIENT);

    await broker.stop();
    await eventually(async () => expect((await app.health('health/ready')).status).toBe(503), PATIENT);
    await eventually(async () => expect((await app.health()).status).toBe(503), PATIENT);
    expect((await app.health('health/live')).status).toBe(200);
    await eventually(() => expect([...load.refused.values()].join()).toMatch(/503 EVENT_BUS_PUBLISH/), PATIENT);

    await broker.restart();
    const before = load.confirmed.length;
    await eventually(async () => expect((await app.health('health/ready')).status).toBe(200), PATIENT);
    await eventually(async () => expect((await app.health()).status).toBe(200), PATIENT);
    await eventually(() => expect(load.confirmed.length).toBeGreaterThan(before + 20), PATIENT);
    await load.stop();

    expect([...new Set(load.refused.values())].filter((answer) => !answer.startsWith('503 EVENT_BUS_PUBLISH'))).toEqual(
      [],
    );
    for (const id of load.confirmed) await expectBooked(app, id);
    expect(app.log).not.toMatch(/order outage-\S+ is a dead letter/);
  });

  it('drains on SIGTERM in the middle of its work, and the next process finds the rest', async () => {
    const first = await start(broker.env);
    const load = new OrderLoad(first, 'rolling');
    await eventually(() => expect(load.confirmed.length).toBeGreaterThan(50), PATIENT);

    first.signal('SIGTERM');
    expect(await first.ended()).toBe(0);
    await load.stop();
    expect(first.log).not.toMatch(/could not be closed|not done at the deadline/);

    const second = await start(broker.env);
    await eventually(() => {
      const missing = load.confirmed.filter(
        (id) => [...first.bookings(id), ...second.bookings(id)].join() !== PLACED_THEN_RESERVED.join(),
      );
      expect(missing).toEqual([]);
    }, PATIENT);
    expect(first.log + second.log).not.toMatch(/order rolling-\S+ is a dead letter/);
  });
});
