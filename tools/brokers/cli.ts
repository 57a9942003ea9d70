import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { obtainKafka, obtainNats } from './obtain.js';
import { say } from './progress.js';
import { BrokerStartError, BrokerUnavailableError } from './unavailable.js';

const USAGE = `usage: tsx tools/brokers/cli.ts [nats] [kafka] [-- command …]

Finds or starts the brokers, prints where they are as one line of JSON, and keeps them until it is interrupted.
With a command: runs it with EVENTBUS_TEST_NATS and EVENTBUS_TEST_KAFKA set, and ends with its exit code.
EVENTBUS_BROKER_TUNING=load gives Kafka more memory and every compiler.`;

/** What is to be given back at the end, newest last. */
const releases: (() => Promise<void>)[] = [];

async function main(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const wanted = split === -1 ? args : args.slice(0, split);
  const command = split === -1 ? [] : args.slice(split + 1);
  if (wanted.length === 0 || wanted.some((name) => name !== 'nats' && name !== 'kafka')) {
    console.error(USAGE);
    return 2;
  }

  const env = await obtain(new Set(wanted));
  return command.length > 0 ? runCommand(command, env) : untilInterrupted(env);
}

async function obtain(wanted: ReadonlySet<string>): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  if (wanted.has('nats')) {
    const nats = await obtainNats();
    releases.push(() => nats.release());
    Object.assign(env, { EVENTBUS_TEST_NATS: nats.url, EVENTBUS_TEST_NATS_VERSION: nats.version });
  }
  if (wanted.has('kafka')) {
    const kafka = await obtainKafka({ tuning: process.env['EVENTBUS_BROKER_TUNING'] === 'load' ? 'load' : 'test' });
    releases.push(() => kafka.release());
    Object.assign(env, { EVENTBUS_TEST_KAFKA: kafka.brokers.join(','), EVENTBUS_TEST_KAFKA_VERSION: kafka.version });
  }
  return env;
}

/** The command shares this terminal and gets its Ctrl-C itself; a SIGTERM is passed on. */
function runCommand([program = '', ...args]: readonly string[], env: Record<string, string>): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

async function untilInterrupted(env: Record<string, string>): Promise<number> {
  console.log(JSON.stringify(env));
  say('ready; Ctrl-C ends them.');
  const stay = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  clearInterval(stay);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isExpected = error instanceof BrokerUnavailableError || error instanceof BrokerStartError;
  console.error(isExpected ? error.message : error);
  process.exitCode = 1;
} finally {
  await Promise.all(releases.map((release) => release()));
}
