import { BaseRpcContext } from '@nestjs/microservices';
import type { Envelope } from '../envelope/envelope.js';
import type { Position, ReceivedMessage } from '../transport/message.js';

/** What one attempt is about: what `EventContext` is made from. */
export interface AttemptFacts {
  readonly envelope: Envelope;
  readonly message: ReceivedMessage;
  readonly group: string;
  readonly position: Position;
  readonly redelivered: boolean | undefined;
  /** Counted from 1, in this process. */
  readonly attempt: number;
}

/** What a handler learns of its event beside the data: `@Ctx() event: EventContext`. One per attempt. */
export class EventContext extends BaseRpcContext<[AttemptFacts]> {
  /** Made at the first look at `signal`, or when it is raised: no AbortController a message. */
  #controller: AbortController | undefined;
  #entered = false;

  constructor(private readonly facts: AttemptFacts) {
    super([facts]);
  }

  get topic(): string {
    return this.facts.envelope.topic;
  }
  /** Ordering key; undefined = none. */
  get key(): string | undefined {
    return this.facts.envelope.key;
  }
  get id(): string {
    return this.facts.envelope.id;
  }
  get type(): string {
    return this.facts.envelope.type;
  }
  /** When it happened, RFC 3339; undefined when the publisher did not say. */
  get time(): string | undefined {
    return this.facts.envelope.time;
  }
  get tenantId(): string | undefined {
    return this.facts.envelope.tenantId;
  }
  get correlationId(): string | undefined {
    return this.facts.envelope.correlationId;
  }
  get causationId(): string | undefined {
    return this.facts.envelope.causationId;
  }
  get traceparent(): string | undefined {
    return this.facts.envelope.traceparent;
  }
  get tracestate(): string | undefined {
    return this.facts.envelope.tracestate;
  }
  /** The application's own headers, as text. */
  get headers(): Readonly<Record<string, string>> {
    return this.facts.envelope.headers;
  }
  /** All metadata at once. */
  get envelope(): Envelope {
    return this.facts.envelope;
  }
  /** The message as it came: raw bytes, raw headers. Not to be changed. */
  get message(): ReceivedMessage {
    return this.facts.message;
  }
  get group(): string {
    return this.facts.group;
  }
  /** Counted from 1, in this process. */
  get attempt(): number {
    return this.facts.attempt;
  }
  /** Whether the broker has delivered it before; undefined = it does not say. */
  get redelivered(): boolean | undefined {
    return this.facts.redelivered;
  }
  /** Partition and offset, or stream sequence. */
  get position(): Position {
    return this.facts.position;
  }

  /** Raised on time-out, on loss of ownership and at the drain deadline; its reason is an EventBusError. A handler that still resolves has succeeded. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** @internal Raises the signal, once. */
  raise(reason: Error): void {
    this.#controller ??= new AbortController();
    if (!this.#controller.signal.aborted) this.#controller.abort(reason);
  }

  /** @internal Whether the handler's own code was entered: refusals before that are permanent. */
  get entered(): boolean {
    return this.#entered;
  }

  /** @internal */
  enter(): void {
    this.#entered = true;
  }
}
