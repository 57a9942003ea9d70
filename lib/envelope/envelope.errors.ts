import { EventBusError } from '../core/errors.js';

/** Incoming bytes or headers cannot be read, and never will be: a dead letter at once. */
export class EnvelopeDecodeError extends EventBusError {
  /** @param why completes the sentence "…: <why>." */
  constructor(topic: string, why: string, cause?: unknown) {
    super('EVENT_BUS_DECODE_FAILED', `Cannot decode a message from topic "${topic}": ${why}.`, { cause });
  }
}

/** An event's key breaks the rules. */
export class InvalidKeyError extends EventBusError {
  constructor(why: string) {
    super('EVENT_BUS_INVALID_KEY', `The key is not valid: ${why}.`);
  }
}

/** One of an event's own headers, or all of them together, break the rules. */
export class InvalidHeaderError extends EventBusError {
  constructor(name: string, why: string) {
    super('EVENT_BUS_INVALID_HEADER', `Header ${JSON.stringify(name.slice(0, 100))} is not valid: ${why}.`);
  }
}

/** Metadata of an event is wrong, or missing where the codec needs it: `field` says which. */
export class InvalidEventError extends EventBusError {
  constructor(
    readonly field: string,
    why: string,
  ) {
    super('EVENT_BUS_INVALID_EVENT', `${field} ${why}.`);
  }
}

/** The data cannot be written so that a reader gets the same back. `path` says which part: `data.items[2].price`. */
export class DataNotSerializableError extends EventBusError {
  constructor(
    readonly path: string,
    why: string,
    cause?: unknown,
  ) {
    super('EVENT_BUS_DATA_NOT_SERIALIZABLE', `${path} ${why}.`, { cause });
  }
}
