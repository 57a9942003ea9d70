import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { EventContext } from '../../../../lib/handlers/event-context.js';
import type { RawMessage, StoredMessage } from '../../../../lib/testing/contract/subject.js';
import { ContractTools, numbered, type Numbered } from '../../../../lib/testing/contract/tools.js';
import type { RecordedRun } from '../../../../lib/testing/event-recorder.js';
import type { Verdict } from '../../../../lib/testing/verdict.js';
import type { FaultEnvironment, TransportUnderTest } from './environment.js';

/** Says in a raw message which event it is, for dead letters keep it whatever the body is. */
const EVENT_HEADER = 'x-event';
const PATIENCE_MS = 12_000;

/** What handlers here look at. */
type Attempted = Pick<EventContext, 'attempt' | 'signal'>;

/** What the end of a fault has to look like, beyond nothing lost and nothing out of order. */
export interface Expected {
  readonly deadLetters: number;
  /** The most events that may have been handled to the end once more. @default 0 */
  readonly duplicates?: number;
}

/** The contract's tools, with the oracle that every fault ends with. */
export class FaultTools extends ContractTools {
  readonly #running = new Set<RecordedRun>();

  constructor(
    readonly faults: FaultEnvironment,
    { capabilities }: TransportUnderTest,
  ) {
    super(faults.env, expect, capabilities, PATIENCE_MS);
  }

  /** Sends an event from a foreign client, with any body. */
  async produce(topic: string, event: Numbered, message: Omit<RawMessage, 'key'>): Promise<void> {
    const headers = [[EVENT_HEADER, `${event.key}/${event.n}`] as const, ...(message.headers ?? [])];
    await this.env.produceRaw(topic, { ...message, key: event.key, headers });
    this.recorder.published({ topic, key: event.key, sequence: event.n });
  }

  /** A handler that records its runs and gives the library exactly what the work gives: its throw, its promise, its Observable. */
  bare(topic: string, group: string, work: (event: Numbered, context: Attempted) => unknown) {
    return (data: unknown, context: Attempted): unknown => {
      const event = numbered(data);
      const run = this.recorder.started({ topic, key: event.key, sequence: event.n, attempt: context.attempt, group });
      try {
        const result = work(event, context);
        if (result === undefined) run.ended('handled');
        else if (result instanceof Promise) this.#follow(run, result);
        else run.ended('failed');
        return result;
      } catch (error) {
        run.ended('failed');
        throw error;
      }
    };
  }

  /** Handlers that still run count as ended: their process is gone, or nobody waits for them any more. */
  died(): void {
    for (const run of this.#running) run.ended('failed');
    this.#running.clear();
  }

  #follow(run: RecordedRun, result: Promise<unknown>): void {
    this.#running.add(run);
    const end = (outcome: 'handled' | 'failed') => (): void => {
      if (this.#running.delete(run)) run.ended(outcome);
    };
    result.then(end('handled'), end('failed'));
  }

  /**
   * The oracle: the broker has nothing left for the group, what it stored as dead letters is what was given up on, and everything
   * confirmed was handled to the end or is among them, in order per key, nothing twice unless that is allowed.
   */
  async accountsForAll(
    topic: string,
    group: string,
    { deadLetters, duplicates: most = 0 }: Expected,
  ): Promise<{ readonly verdict: Verdict; readonly letters: readonly StoredMessage[] }> {
    await this.eventually(async () => expect(await this.faults.left(topic, group), 'left at the broker').toBe(0));
    const letters = await this.env.readBack(`dead.${group}.${topic}`);
    for (const letter of letters) this.recorder.deadLettered({ topic, ...eventOf(letter) }, group);
    const verdict = this.recorder.verdict();
    const { lost, orderViolations, duplicates } = verdict;
    expect({ lost, orderViolations, deadLetters: letters.length }).toEqual({
      lost: [],
      orderViolations: [],
      deadLetters,
    });
    expect(
      duplicates.reduce((sum, { extra }) => sum + extra, 0),
      'duplicates',
    ).toBeLessThanOrEqual(most);
    return { verdict, letters };
  }
}

/** Which event a dead letter is of. */
export function eventOf({ headers, body }: StoredMessage): { readonly key: string; readonly sequence: number } {
  const [, named] = headers.find(([name]) => name === EVENT_HEADER) ?? [];
  if (named !== undefined) {
    const [key = '', n] = Buffer.from(named).toString().split('/');
    return { key, sequence: Number(n) };
  }
  const { key, n } = numbered(JSON.parse(Buffer.from(body ?? '').toString()));
  return { key, sequence: n };
}

/** Opens a transport's environment for the tests of a `describe`, and gives each of them tools that are closed at its end. */
export function useFaults(transport: TransportUnderTest): () => FaultTools {
  const open: FaultTools[] = [];
  let faults: FaultEnvironment | undefined;
  beforeAll(async () => void (faults = await transport.open()));
  afterEach(async () => {
    for (const tools of open.splice(0)) await tools.close();
  });
  afterAll(() => faults?.close());
  return () => {
    if (faults === undefined) throw new Error('The environment did not start.');
    const tools = new FaultTools(faults, transport);
    open.push(tools);
    return tools;
  };
}
