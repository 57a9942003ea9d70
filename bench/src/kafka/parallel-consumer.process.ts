import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HandlerTime } from '../measure/handler-time.js';
import { peerJar } from './parallel-consumer.build.js';

/** What its documentation says may be tuned: see bench/java's Task. */
export interface Tuning {
  readonly maxConcurrency: number;
  /** Records in hand; 0 leaves it to its dynamic load factor. */
  readonly messageBufferSize: number;
  readonly batchSize: number;
  readonly commitIntervalMs: number;
  readonly commitMode: 'PERIODIC_CONSUMER_ASYNCHRONOUS' | 'PERIODIC_CONSUMER_SYNC';
  /** Properties of the Kafka consumer below it. */
  readonly consumer: Readonly<Record<string, string>>;
}

/** One run over a topic that is filled already. */
export interface PeerTask {
  readonly brokers: string;
  readonly topic: string;
  readonly group: string;
  readonly events: number;
  readonly keys: number;
  readonly tuning: Tuning;
}

export interface PeerAnswer extends HandlerTime {
  readonly handled: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly faults: readonly string[];
}

/** The Java process of a configuration: it stays for all its repetitions, so that the first one warms its compiler up. */
export class PeerProcess {
  #answers: AsyncIterator<string> | undefined;
  #child: ChildProcess | undefined;

  /** Whether it has not run anything yet. */
  get isFresh(): boolean {
    return this.#child === undefined;
  }

  /** @throws Error when the process ends instead of answering */
  async run(task: PeerTask): Promise<PeerAnswer> {
    this.#child ??= await this.#start();
    this.#child.stdin?.write(`${JSON.stringify(task)}\n`);
    const line = await this.#answers?.next();
    if (line === undefined || line.done === true) throw new Error('parallel-consumer has ended without an answer');
    const answer: PeerAnswer = JSON.parse(line.value);
    return answer;
  }

  /** It ends by itself when its input does: with the process that has started it. */
  async #start(): Promise<ChildProcess> {
    const jar = await peerJar();
    const arguments_ = ['-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-jar', jar];
    const child = spawn('java', arguments_, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return child;
  }
}
