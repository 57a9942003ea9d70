import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { obtainKafka, obtainNats } from '../brokers/index.js';

/**
 * Runs the sample app on a real broker: the one that EVENTBUS_TEST_NATS or EVENTBUS_TEST_KAFKA names, otherwise one that is started
 * for it, as for the tests, and ended with it.
 *
 *     node --import tsx tools/sample/start.ts nats|kafka
 */
const [transport] = process.argv.slice(2);
if (transport !== 'nats' && transport !== 'kafka') throw new Error('usage: start.ts nats|kafka');

/** While the broker starts a signal ends everything; later it is the app's, which drains. */
let app: ChildProcess | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (app === undefined ? process.exit(1) : app.kill(signal)));
}

const broker = await (transport === 'nats' ? nats() : kafka());
console.log(`The sample app runs on ${transport} at ${broker.servers}.`);
app = startApp(transport, broker.servers);
process.exitCode = await new Promise<number>((resolve) => app?.once('exit', (code) => resolve(code ?? 1)));
await broker.release();

/** In a process group of its own: a terminal's Ctrl-C comes to this process alone, and is passed on once. */
function startApp(name: string, servers: string): ChildProcess {
  const main = fileURLToPath(new URL('../../sample-app/dist/main.js', import.meta.url));
  const env = { ...process.env, EVENTBUS_TRANSPORT: name, EVENTBUS_SERVERS: servers };
  return spawn(process.execPath, [main], { stdio: 'inherit', env, detached: true });
}

interface Broker {
  readonly servers: string;
  readonly release: () => Promise<void>;
}

async function nats(): Promise<Broker> {
  const server = await obtainNats();
  return { servers: server.url, release: () => server.release() };
}

async function kafka(): Promise<Broker> {
  const cluster = await obtainKafka();
  return { servers: cluster.brokers.join(','), release: () => cluster.release() };
}
