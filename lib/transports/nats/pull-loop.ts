import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { createInbox } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import type { ConsumerContext } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import type { PullIdentity } from './ownership.js';
import { type PullEnd, Pulls } from './pulls.js';

const NANOS_PER_MS = 1_000_000;
/** How much longer than its expiry a pull may take to be answered. */
const GRACE_MS = 1_000;
/** Shortest pull: takes nothing and only says that we are here. */
const RENEWAL_MS = 250;
/** After a refusal that is not about time. */
const BACKOFF_MS = 250;

const NO_RESPONDERS = 503;
const WRONG_PIN = 423;
const NO_MESSAGES = 404;
const TIMED_OUT = 408;
const CONFLICT = 409;
const RENEWAL = 'r';

export interface PullRequest {
  readonly messages: number;
  /** No bound when undefined: only for what a predecessor left. */
  readonly bytes?: number | undefined;
  /** Whether the server keeps it until there is something. */
  readonly wait: boolean;
  readonly identity: PullIdentity;
  readonly ended?: (how: PullEnd) => void;
}

/** What the loop tells its consumer. */
export interface PullLoopPort {
  arrived(message: Msg): void;
  /** The pin is somebody else's, or nobody's. */
  refused(): void;
  /** The durable does not exist any more. */
  gone(): void;
  /** A pull has ended: there may be something to ask for. */
  room(): void;
}

/** Requests for messages on the wire, and the subscription they answer to. */
export class PullLoop {
  readonly pulls = new Pulls();
  #connection: NatsConnection | undefined;
  #subscription: Subscription | undefined;
  #renewals: Subscription | undefined;
  #inbox = '';
  /** Monotonic milliseconds. */
  #lastPullAt = 0;
  #notBefore = 0;
  #answered = false;

  constructor(
    private readonly plan: ConsumerPlan,
    private readonly context: ConsumerContext,
    private readonly port: PullLoopPort,
  ) {}

  get isOpen(): boolean {
    return this.#subscription !== undefined;
  }

  /** Whether the server answered anything since this was last asked. */
  takeAnswered(): boolean {
    const answered = this.#answered;
    this.#answered = false;
    return answered;
  }

  get mayPull(): boolean {
    return this.isOpen && this.context.now() >= this.#notBefore;
  }

  /** On a new connection, or on the same one with a new inbox: earlier pulls are forgotten. */
  open(connection: NatsConnection): void {
    this.drop();
    this.#connection = connection;
    this.#inbox = `${createInbox(this.context.inboxPrefix)}.`;
    this.#subscription = connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => this.#safely(error, message),
    });
    this.#renewals = connection.subscribe(`${this.#inbox}*.${RENEWAL}`, {
      callback: (error, message) => this.#safely(error, message),
    });
  }

  /** The connection is gone, and all pulls with it. */
  cut(): void {
    this.#subscription = undefined;
    this.#renewals = undefined;
    this.#connection = undefined;
    this.pulls.endAll();
  }

  /** Takes nothing more: resolves when what was on the wire has arrived, or is lost. A pull that waits at the server is dropped by it. */
  async stop(): Promise<void> {
    const [subscription, connection] = [this.#subscription, this.#connection];
    this.#subscription = undefined;
    // the client never ends a drain whose connection closes meanwhile
    if (subscription !== undefined && !subscription.isClosed())
      await Promise.race([subscription.drain(), connection?.closed()]);
    this.pulls.endAll();
  }

  close(): void {
    this.#renewals?.unsubscribe();
    this.#renewals = undefined;
  }

  /** At once: what is on the wire is not taken any more. */
  drop(): void {
    this.#subscription?.unsubscribe();
    this.close();
    this.cut();
  }

  /** Asks for messages; `ended` is called once, when it brings no more. */
  pull(request: PullRequest): void {
    const { messages, bytes, wait, identity, ended } = request;
    const now = this.context.now();
    const pull = this.pulls.open(
      messages,
      bytes ?? 0,
      now + (wait ? this.context.options.pullExpiryMs : 0) + GRACE_MS,
      ended,
    );
    const limits = bytes === undefined ? { batch: messages } : { batch: messages, max_bytes: bytes };
    const until = wait ? { expires: this.context.options.pullExpiryMs * NANOS_PER_MS } : { no_wait: true };
    this.#send({ ...limits, ...until, ...identity }, pull.token);
    this.#lastPullAt = now;
  }

  /** Keeps the pin when nothing else was asked for lately. */
  renew(identity: PullIdentity): void {
    const now = this.context.now();
    if (now - this.#lastPullAt < this.context.options.pullExpiryMs / 2) return;
    this.#lastPullAt = now;
    this.#send({ batch: 1, max_bytes: 1, expires: RENEWAL_MS * NANOS_PER_MS, ...identity }, `0.${RENEWAL}`);
  }

  #send(body: object, token: string): void {
    const { stream, durable } = this.plan;
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return;
    connection.publish(`${this.context.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${durable}`, JSON.stringify(body), {
      reply: this.#inbox + token,
    });
  }

  /** What is thrown in the client's reader would end the connection. */
  #safely(error: Error | null, message: Msg): void {
    this.#answered = true;
    try {
      if (error !== null)
        this.context.logger.error('NATS: a consumer may not receive', { durable: this.plan.durable, error });
      else if (isStatus(message)) this.#status(message);
      else this.port.arrived(message);
    } catch (thrown) {
      this.context.logger.error('NATS: a delivery could not be taken', {
        durable: this.plan.durable,
        error: toError(thrown),
      });
    }
  }

  #status(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    const token = message.subject.slice(this.#inbox.length);
    const isRenewal = token.endsWith(RENEWAL) && token.includes('.');
    if (code === WRONG_PIN) this.port.refused();
    if (
      code === NO_RESPONDERS ||
      (code === CONFLICT && /consumer deleted|consumer is push/i.test(message.headers?.description ?? ''))
    )
      this.port.gone();
    if (isRenewal) return;
    if (code !== TIMED_OUT && code !== NO_MESSAGES && code !== CONFLICT)
      this.#notBefore = this.context.now() + BACKOFF_MS;
    if (code === CONFLICT && !/max ?bytes|batch completed/i.test(message.headers?.description ?? ''))
      this.#notBefore = this.context.now() + BACKOFF_MS;
    const isEmpty =
      code === NO_MESSAGES || (code === TIMED_OUT && !/pending/i.test(message.headers?.description ?? ''));
    if (this.pulls.end(token, isEmpty ? 'empty' : 'refused')) this.port.room();
  }
}

/** Statuses have no reply and no body; only these name the pull in their subject. The reply first: to look at the body makes a view of it. */
function isStatus(message: Msg): boolean {
  return !message.reply && message.data.length === 0 && (message.headers?.code ?? 0) > 0;
}
