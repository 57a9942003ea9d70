import { EventBusError } from '../core/errors.js';
import type { FailedPublish } from './publish-result.js';
import type { AckPoolBounds } from './room.js';

/** A publish ended `rejected`: certainly not stored. `cause` says why, `result` has the facts. */
export class PublishRejectedError extends EventBusError {
  constructor(readonly result: FailedPublish) {
    const { id, topic, error } = result;
    const retryable = error instanceof EventBusError && error.retryable;
    super('EVENT_BUS_PUBLISH_REJECTED', `Event ${id} for "${topic}" was not stored: ${error.message}`, {
      cause: error,
      retryable,
    });
  }
}

/** A publish ended `unknown`: it may be stored. Publishing it again with the same id is safe; `result` has the id. */
export class PublishUnknownError extends EventBusError {
  constructor(readonly result: FailedPublish) {
    const { id, topic, error } = result;
    super('EVENT_BUS_PUBLISH_UNKNOWN', `Event ${id} for "${topic}" may or may not be stored: ${error.message}`, {
      cause: error,
      retryable: true,
    });
  }
}

/** No confirm came in time: what an `unknown` result carries then. */
export class PublishTimeoutError extends EventBusError {
  constructor(cause?: unknown) {
    super('EVENT_BUS_PUBLISH_UNKNOWN', 'The broker did not confirm it in time.', { cause, retryable: true });
  }
}

/** A later publish of the same key is stored already: sending this one again would break the order of the key. */
export class OvertakenError extends EventBusError {
  constructor(cause?: unknown) {
    super('EVENT_BUS_OVERTAKEN', 'It failed, and a later event of its key is stored already.', { cause });
  }
}

/** The ACK pool has no room. */
export class FullError extends EventBusError {
  constructor({ maxPending, maxPendingBytes }: AckPoolBounds) {
    super('EVENT_BUS_FULL', `The ACK pool is full (at most ${maxPending} publishes, ${maxPendingBytes} bytes).`, {
      retryable: true,
    });
  }
}

/** The publisher's signal was raised. */
export class PublishAbortedError extends EventBusError {
  constructor(cause?: unknown) {
    super('EVENT_BUS_ABORTED', 'The publish was aborted by its signal.', { cause });
  }
}
