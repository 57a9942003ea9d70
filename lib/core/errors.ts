/** Every code an error of this library can carry: a closed list, compared with docs/errors.md by a test. */
export const ERROR_CODES = [
  'EVENT_BUS_INVALID_OPTIONS',
  'EVENT_BUS_INVALID_HANDLER',
  'EVENT_BUS_INVALID_TOPIC',
  'EVENT_BUS_INVALID_KEY',
  'EVENT_BUS_INVALID_HEADER',
  'EVENT_BUS_INVALID_EVENT',
  'EVENT_BUS_DATA_NOT_SERIALIZABLE',
  'EVENT_BUS_MESSAGE_TOO_LARGE',
  'EVENT_BUS_DECODE_FAILED',
  'EVENT_BUS_NOT_OPEN',
  'EVENT_BUS_FULL',
  'EVENT_BUS_ABORTED',
  'EVENT_BUS_NOT_CONNECTED',
  'EVENT_BUS_AUTHENTICATION_FAILED',
  'EVENT_BUS_AUTHORIZATION_FAILED',
  'EVENT_BUS_CONNECTION_FAILED',
  'EVENT_BUS_PUBLISH_REJECTED',
  'EVENT_BUS_PUBLISH_UNKNOWN',
  'EVENT_BUS_OVERTAKEN',
  'EVENT_BUS_TOPIC_MISSING',
  'EVENT_BUS_TOPOLOGY',
  'EVENT_BUS_SETTLE_FAILED',
  'EVENT_BUS_HANDLER_TIMEOUT',
  'EVENT_BUS_UNRECOVERABLE',
  'EVENT_BUS_RETRY_LATER',
  'EVENT_BUS_NO_HANDLER',
  'EVENT_BUS_UNSUPPORTED',
  'EVENT_BUS_CLOSED',
] as const;

export type EventBusErrorCode = (typeof ERROR_CODES)[number];

export interface EventBusErrorOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed later. @default false */
  readonly retryable?: boolean;
}

/**
 * Base of every error this library throws or rejects with. Branch on `code`, never on the text; `cause` is the error
 * beneath; `retryable` says whether the same call may succeed later without a change by the caller.
 */
export class EventBusError extends Error {
  readonly code: EventBusErrorCode;
  readonly retryable: boolean;

  constructor(code: EventBusErrorCode, message: string, options: EventBusErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Options are wrong. The message lists every fault with its path, what it was and what is allowed. */
export class InvalidOptionsError extends EventBusError {
  constructor(readonly faults: readonly string[]) {
    super('EVENT_BUS_INVALID_OPTIONS', faults.join('; '));
  }
}

/** A decorated handler cannot be registered: the message says which and why. */
export class InvalidHandlerError extends EventBusError {
  constructor(message: string) {
    super('EVENT_BUS_INVALID_HANDLER', message);
  }
}

/** A topic, pattern or group name breaks the rules in docs/transports. */
export class InvalidTopicError extends EventBusError {
  constructor(topic: string, why: string) {
    super('EVENT_BUS_INVALID_TOPIC', `Topic "${topic.slice(0, 300)}" is not valid: ${why}.`);
  }
}

/** The bus is not open for this: not started yet, draining, or closed. */
export class NotOpenError extends EventBusError {
  constructor(what: string, state: string) {
    super('EVENT_BUS_NOT_OPEN', `Cannot ${what}: the bus is ${state}.`);
  }
}

/** The broker cannot be reached right now; the bus keeps trying. */
export class NotConnectedError extends EventBusError {
  constructor(transport: string, cause?: unknown) {
    super('EVENT_BUS_NOT_CONNECTED', `Not connected to ${transport}.`, { cause, retryable: true });
  }
}

/** The broker refused our credentials. */
export class AuthenticationError extends EventBusError {
  constructor(transport: string, cause?: unknown) {
    super('EVENT_BUS_AUTHENTICATION_FAILED', `${transport} refused the credentials.`, { cause });
  }
}

/** The broker lets us in, but not do this. */
export class AuthorizationError extends EventBusError {
  constructor(transport: string, what: string, cause?: unknown) {
    super('EVENT_BUS_AUTHORIZATION_FAILED', `${transport} does not permit: ${what}.`, { cause });
  }
}

/** What was declared (streams, topics, consumers) and what the broker has do not fit; the message says how to mend it. */
export class TopologyError extends EventBusError {
  constructor(message: string, cause?: unknown) {
    super('EVENT_BUS_TOPOLOGY', message, { cause });
  }
}

/** The message is larger than the broker allows. Sizes in bytes; the limit is undefined where the broker does not tell it. */
export class MessageTooLargeError extends EventBusError {
  constructor(topic: string, sizeBytes: number, limitBytes: number | undefined) {
    const limit = limitBytes === undefined ? "the broker's limit" : `the limit of ${limitBytes} bytes`;
    super('EVENT_BUS_MESSAGE_TOO_LARGE', `A message of ${sizeBytes} bytes for "${topic}" exceeds ${limit}.`);
  }
}

/** Keeps whatever was thrown as an Error, with non-errors described in the message. Never throws, whatever it was. */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error
      ? thrown
      : new Error(`A non-error was thrown: ${describe(thrown)}`, { cause: thrown });
  } catch {
    return new Error('Something was thrown that cannot be looked at.');
  }
}

/** The message of whatever was thrown. Never throws, also when the message itself cannot be read. */
export function messageOf(thrown: unknown): string {
  try {
    const { message }: { readonly message: unknown } = toError(thrown);
    return String(message);
  } catch {
    return 'its message cannot be read';
  }
}

/** Whatever was thrown, or an error in place of what throws at whoever looks at it (a revoked Proxy). */
export function lookable(thrown: unknown): unknown {
  try {
    return thrown instanceof Error ? toError(thrown) : thrown;
  } catch {
    return toError(thrown);
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
