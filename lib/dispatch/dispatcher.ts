import type { LeftBehindEvent } from '../core/diagnostics.js';
import { isDeadTopic } from '../core/pattern.js';
import type { Envelope } from '../envelope/envelope.js';
import type { HandlerRegistration } from '../handlers/registration.js';
import type { Task } from '../pools/worker-pool.js';
import type { ConsumerPort, Credit, Delivery, Source } from '../transport/transport.js';
import { inTime } from './deadline.js';
import { handlerlessLetterOf, NoHandlerError } from './dead-letter.facts.js';
import { DeliveryTask, LetterTask } from './delivery-task.js';
import { assemble } from './dispatcher.parts.js';
import type { DispatcherParts } from './dispatcher.parts.js';
import type { DispatcherOptions } from './dispatcher.options.js';
import { snapshotOf } from './dispatcher.snapshot.js';
import type { DispatcherSnapshot } from './dispatcher.snapshot.js';
import type { StallFacts } from './stalled-sources.js';
import { HandlerTask } from './handler-task.js';
import { InFlight } from './in-flight.js';
import { LaneNames } from './lane-names.js';
import { readEnvelope } from './read-envelope.js';

/**
 * The path of one message, in order: read, route, submit, run, settle.
 *
 * - read: its metadata, by the codec; what cannot be read becomes a dead letter
 * - route: the handlers of its group that want its topic and type; none: ignored, or a dead letter
 * - submit: one task for each of them, in a lane of its key where they are keyed. At-most-once: settled before
 * - run: see `Runner`. Called back by the pool, as often as it takes
 * - settle: see `Settler`. When the last of its handlers has ended
 *
 * A transport must expect `settle` for a delivery before its `deliver` has returned: synchronous handlers may run within.
 */
export class Dispatcher implements ConsumerPort {
  readonly #options: DispatcherOptions;
  readonly #parts: DispatcherParts;
  readonly #laneNames = new LaneNames();
  #draining: Promise<readonly LeftBehindEvent[]> | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#parts = assemble(options, (inFlight) => this.#submitSettled(inFlight));
  }

  assigned(source: Source): Credit {
    return this.#parts.ownership.assigned(source);
  }

  deliver(delivery: Delivery): void {
    const owned = this.#parts.ownership.of(delivery.source);
    if (owned?.phase !== 'owned') return;

    const envelope = readEnvelope(this.#options.codec, delivery);
    const isRead = !(envelope instanceof Error);
    const inFlight = new InFlight(delivery, owned, isRead ? envelope : undefined, this.#parts.now());
    this.#parts.credit.take(owned, delivery.sizeBytes);
    if (!isRead) return this.#giveUp(inFlight, envelope);

    const handlers = this.#route(delivery, envelope);
    if (handlers.length === 0) return this.#unmatched(inFlight, envelope);
    if (owned.guarantee === 'at-most-once') return this.#parts.ownership.settleFirstOf(owned)?.add(inFlight);
    this.#submit(inFlight, envelope, handlers);
  }

  revoking(source: Source): Promise<void> {
    return this.#parts.ownership.revoking(source).then(() => undefined);
  }

  lost(source: Source): void {
    this.#parts.ownership.lost(source);
  }

  /** Has to be called when the limits have changed: a pool was resized. */
  limitsChanged(): void {
    this.#parts.credit.changed();
  }

  /**
   * Runs what is in hand, and what still comes in, to its end; resolves when nothing is in hand any more, or at the deadline. Then
   * nothing starts any more, the signals of what runs are raised, and what was left is logged and returned. Further calls get the first answer.
   * @param withinMs from now, in milliseconds
   */
  drain(withinMs: number): Promise<readonly LeftBehindEvent[]> {
    return (this.#draining ??= this.#drain(withinMs));
  }

  /** Looks for what makes no progress; to be called again and again. What it finds is told of, and is in the snapshot. */
  lookForStalls(facts: StallFacts): void {
    this.#parts.stalls.look(facts);
  }

  /** Nobody looks for stalls any more. */
  endStalls(): void {
    this.#parts.stalls.end();
  }

  /** What was going on at this moment. Costs nothing in between. */
  snapshot(): DispatcherSnapshot {
    const { ownership, ...parts } = this.#parts;
    return snapshotOf({ ...parts, pools: this.#options.pools, sources: ownership.all });
  }

  /** What the pools' `onDefect` is to call: a task threw where it must not. Its event stays unsettled, so that it comes again. */
  defect(error: unknown, task: Task): void {
    this.#parts.totals.defects += 1;
    this.#options.logger.error('The bus itself failed at an event; it stays unsettled.', { group: task.group, error });
    if (task instanceof DeliveryTask && !task.isOver) task.dropped();
  }

  /** Stops timers and whatever is left. After `drain`; the transport calls `lost` no more. Idempotent. */
  close(): void {
    this.#parts.ownership.stopAll('the bus is closed');
    this.#parts.runner.attempts.close();
    this.#parts.credit.stop();
  }

  #route(delivery: Delivery, envelope: Envelope): readonly HandlerRegistration[] {
    return this.#options.registry.match(delivery.source.group, envelope.topic, envelope.type);
  }

  #unmatched(inFlight: InFlight, envelope: Envelope): void {
    const { topic, type } = envelope;
    if (this.#options.unmatched === 'dead-letter' && !isDeadTopic(topic)) {
      return this.#giveUp(inFlight, new NoHandlerError(inFlight.delivery.source.group, topic, type));
    }
    this.#parts.totals.ignored += 1;
    this.#parts.settler.done(inFlight);
  }

  /** No handler is reached: the dead letter is stored from within a pool, so that what cannot be stored is bounded too. */
  #giveUp(inFlight: InFlight, error: Error): void {
    const letter = handlerlessLetterOf(inFlight, error);
    this.#parts.deadLetters.announce(letter);
    const { keyed, global } = this.#options.pools;
    const pool = inFlight.owned.shares.includes(this.#parts.credit.pools.global) ? global : keyed;
    pool.submit(new LetterTask(this.#parts.runner, inFlight, letter));
  }

  #submit(inFlight: InFlight, envelope: Envelope, handlers: readonly HandlerRegistration[]): void {
    const { global, keyed } = this.#options.pools;
    inFlight.remaining = handlers.length;
    for (const handler of handlers) {
      const task = new HandlerTask(this.#parts.runner, inFlight, handler, envelope);
      if (handler.pool === 'global') global.submit(task);
      else keyed.submit(task, (inFlight.lane ??= this.#laneNames.nameOf(task.group, envelope.topic, envelope.key)));
    }
    if (inFlight.lane === undefined || inFlight.remaining === 0) return;
    this.#parts.credit.watch(inFlight.owned, inFlight.lane, envelope.key ?? '', handlers.length);
  }

  #submitSettled(inFlight: InFlight): void {
    const { envelope, delivery } = inFlight;
    if (envelope !== undefined) this.#submit(inFlight, envelope, this.#route(delivery, envelope));
  }

  async #drain(withinMs: number): Promise<readonly LeftBehindEvent[]> {
    const { handles } = this.#options;
    const isEmpty = await inTime(handles, 'drain', withinMs, (done) => this.#parts.credit.onceEmpty(done));
    if (isEmpty) return [];
    const events = this.#parts.ownership.stopAll('the bus shuts down and the drain deadline has passed');
    this.#parts.report.tell('The drain deadline has passed', { why: 'shutdown', source: undefined, events });
    return events;
  }
}
