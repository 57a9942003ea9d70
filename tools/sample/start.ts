import { spawn } from 'node:child_process';
import { obtainKafka, obtainNats } from '../brokers/obtain.js';

/**
 * Runs the sample app on a real broker: the one that EVENTBUS_TEST_NATS or EVENTBUS_TEST_KAFKA names, otherwise one that is started
 * for it, as for the tests, and ended with it.
 *
 *     tsx tools/sample/start.ts nats|kafka
 */
const [transport] = process.argv.slice(2);
if (transport !== 'nats' && transport !== 'kafka') throw new Error('usage: start.ts nats|kafka');

const broker = transport === 'nats' ? await nats() : await kafka();
const app = spawn(process.execPath, ['sample-app/dist/main.js'], {
  stdio: 'inherit',
  env: { ...process.env, EVENTBUS_TRANSPORT: transport, EVENTBUS_SERVERS: broker.servers },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.kill(signal));
process.exitCode = await new Promise<number>((resolve) => app.once('exit', (code) => resolve(code ?? 1)));
await broker.release();

async function nats(): Promise<{ servers: string; release: () => Promise<void> }> {
  const { url, release } = await obtainNats();
  return { servers: url, release };
}

async function kafka(): Promise<{ servers: string; release: () => Promise<void> }> {
  const { brokers, release } = await obtainKafka({ tuning: 'test' });
  return { servers: brokers.join(','), release };
}
