import { Server } from '@nestjs/microservices';
import { distinctUntilChanged, type Observable, ReplaySubject } from 'rxjs';
import type { EventBusLifecycle } from './event-bus.lifecycle.js';
import { getEventBusTransport } from './handlers/handler.tokens.js';
import type { ConnectionState, ConnectionStatus } from './transport/transport.js';

/** What `on` takes: a connection state, told when it is entered, with what is known of it. */
export type EventBusStrategyEvents = { readonly [State in ConnectionState]: (status: ConnectionStatus) => void };

/**
 * A bus as a Nest microservice: `app.connectMicroservice({ strategy: app.get(EventBusStrategy) })`, or given to
 * `NestFactory.createMicroservice` by its factory. Once it is connected, consuming begins with `startAllMicroservices()` (or `listen()`) instead
 * of by itself, after the application's bootstrap hooks in any case, and controllers' `@EventPattern` methods are handlers of the bus too.
 * No event is handled twice. Connect it before `app.init()` and `app.listen()`: later, starting the microservices fails (EVENT_BUS_UNSUPPORTED).
 */
export class EventBusStrategy extends Server<EventBusStrategyEvents, ConnectionState> {
  /** Errors go to the dispatcher, which logs what becomes of the event; Nest need not report them. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #listeners: { readonly state: ConnectionState; readonly callback: (status: ConnectionStatus) => void }[] =
    [];

  readonly #status = new ReplaySubject<ConnectionState>(1);

  /** The broker's client, as its transport documents it. */
  readonly unwrap: Server['unwrap'] = () => Object(this.lifecycle.parts.transport.unwrap());

  constructor(private readonly lifecycle: EventBusLifecycle) {
    super();
    this.setTransportId(getEventBusTransport(lifecycle.name));
    lifecycle.adopt(this);
    lifecycle.onStatus((status) => this.#onStatus(status));
  }

  /** The connection's state, the latest first; completes when the bus is closed. */
  override get status(): Observable<ConnectionState> {
    return this.#status.pipe(distinctUntilChanged());
  }

  /** Begins to consume; before the application is initialised: once it is. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    callback(await this.lifecycle.listen().then(noError, asIs));
  }

  /** Stops consuming; what is in hand is handled and settled first. Publishing stays open until the application has shut down. */
  close(): Promise<void> {
    return this.lifecycle.stopConsuming();
  }

  /** @param event `connecting`, `connected`, `disconnected` or `closed` */
  on<Event extends ConnectionState>(event: Event, callback: EventBusStrategyEvents[Event]): this {
    this.#listeners.push({ state: event, callback });
    return this;
  }

  #onStatus(status: ConnectionStatus): void {
    this.#status.next(status.state);
    for (const { state, callback } of this.#listeners) if (state === status.state) callback(status);
    if (status.state === 'closed') this.#status.complete();
  }
}

function noError(): undefined {
  return undefined;
}

function asIs(error: unknown): unknown {
  return error;
}
