import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { AsyncSubject, type Observable, throwError } from 'rxjs';
import { EventBusError, toError } from '../core/errors.js';
import type { BusLogger } from '../core/logger.js';
import { EventBusRecord } from './event-bus.record.js';
import type { PublishOptions } from './publish-options.js';
import type { ConfirmedPublish } from './publish-result.js';

/** What the proxy speaks to: a bus. */
export interface EventBusClientTarget {
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<ConfirmedPublish>;
  /** The broker's own client. */
  unwrap(): unknown;
}

/**
 * Lets code that was written for Nest's `ClientProxy` publish through the bus: `emit(topic, data)`, with `data` an EventBusRecord where it
 * needs a key or headers. The bus connects and closes by itself: `connect()` and `close()` do nothing.
 */
export class EventBusClientProxy extends ClientProxy {
  /**
   * Publishes, whether or not somebody subscribes. The Observable gives the confirm and completes, also for who subscribes later; an
   * error reaches the subscribers, and the log when there is none yet.
   */
  override readonly emit: ClientProxy['emit'] = (pattern, data) => {
    return hot(super.emit(pattern, data), (error) => {
      this.logger.error('An emitted event was not published.', { topic: this.normalizePattern(pattern), error });
    });
  };

  /** Request and reply is not what an event bus does: the Observable fails with EVENT_BUS_UNSUPPORTED. */
  override readonly send: ClientProxy['send'] = (pattern) => throwError(() => unsupported(pattern));

  /** The broker's own client. */
  override readonly unwrap: ClientProxy['unwrap'] = () => asDeclared(this.target.unwrap());

  constructor(
    private readonly target: EventBusClientTarget,
    private readonly logger: BusLogger,
  ) {
    super();
  }

  /** Nothing to do: the bus connects by itself. */
  async connect(): Promise<void> {
    // the module has connected the bus
  }

  /** Nothing to do: the bus closes with the application. */
  close(): void {
    // the module closes the bus
  }

  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    callback({ err: unsupported(packet.pattern) });
    return () => undefined;
  }

  /** What the proxy's caller declares as its result is the confirm. */
  protected override async dispatchEvent<T>({ pattern, data }: ReadPacket<T>): Promise<T> {
    const topic = this.normalizePattern(pattern);
    const record = data instanceof EventBusRecord ? data : new EventBusRecord(data);
    return asDeclared(await this.target.publish(topic, record.data, record.options));
  }
}

/** Subscribes at once, and gives the outcome to whoever subscribes, now or later. */
function hot<T>(source: Observable<T>, onUnobserved: (error: Error) => void): Observable<T> {
  const outcome = new AsyncSubject<T>();
  source.subscribe({
    next: (value) => outcome.next(value),
    complete: () => outcome.complete(),
    error: (error: unknown) => {
      if (!outcome.observed) onUnobserved(toError(error));
      outcome.error(error);
    },
  });
  return outcome.asObservable();
}

function unsupported(pattern: unknown): EventBusError {
  const what = typeof pattern === 'string' ? `send("${pattern}")` : 'send()';
  return new EventBusError(
    'EVENT_BUS_UNSUPPORTED',
    `${what} asks for a reply, and an event bus has none: use emit() or EventBusService.publish() for events, and another of Nest's clients for requests.`,
  );
}

/** Nest's signatures let the caller declare the type of what comes back: this is where it is taken at its word. */
function asDeclared(value: unknown) {
  return Object.assign(Object.create(null), { value }).value;
}
