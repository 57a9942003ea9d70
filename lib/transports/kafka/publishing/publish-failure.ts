import { AuthorizationError, EventBusError } from '../../../core/errors.js';
import { errorType, isUnsent, rootOf, typedError } from '../driver/client-errors.js';

/** How a publish failed, in the port's words. */
export interface PublishFailure {
  readonly how: 'unsent' | 'unknown' | 'rejected';
  readonly error: Error;
}

/** The broker's definite no: nothing of the batch was stored, and asking again gives the same answer. */
const REJECTED = [
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'POLICY_VIOLATION',
];
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
/** Refused before anything was stored. */
const REFUSED = [
  'NOT_ENOUGH_REPLICAS',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSBrokerNotFound',
];

export function isTooLarge(error: unknown): boolean {
  return TOO_LARGE.includes(errorType(error));
}

/** Whether the producer can be used again: its numbering is what the broker expects. */
export function isDefinite(error: unknown): boolean {
  return isTooLarge(error) || REJECTED.includes(errorType(error));
}

/** What a failed send means for its messages. In doubt they may be stored. */
export function failureOf(error: unknown, topic: string): PublishFailure {
  const type = errorType(error);
  if (type.endsWith('_AUTHORIZATION_FAILED')) {
    return { how: 'rejected', error: new AuthorizationError('Kafka', `write to topic "${topic}"`, rootOf(error)) };
  }
  if (REJECTED.includes(type)) {
    const message = `Kafka refused a message for "${topic}": ${type}.`;
    return {
      how: 'rejected',
      error: new EventBusError('EVENT_BUS_PUBLISH_REJECTED', message, { cause: rootOf(error) }),
    };
  }
  if (isUnsent(error) || REFUSED.includes(type))
    return { how: 'unsent', error: typedError(error, `write to topic "${topic}"`) };
  return unknown(topic, error);
}

export function unknown(topic: string, cause?: unknown): PublishFailure {
  const why = cause === undefined ? 'the answer does not name its partition' : errorType(cause);
  const message = `It is not known whether Kafka has stored a message for "${topic}": ${why}.`;
  const error = new EventBusError('EVENT_BUS_PUBLISH_UNKNOWN', message, { cause, retryable: true });
  return { how: 'unknown', error };
}

export function behind(topic: string, cause: Error): PublishFailure {
  const message = `A message for "${topic}" was not sent: an earlier one of its partition failed.`;
  return { how: 'unsent', error: new EventBusError('EVENT_BUS_NOT_CONNECTED', message, { cause, retryable: true }) };
}

export function topicMissing(topic: string): PublishFailure {
  const message = `Topic "${topic}" does not exist, and the topic policy does not create it.`;
  return { how: 'rejected', error: new EventBusError('EVENT_BUS_TOPIC_MISSING', message) };
}
