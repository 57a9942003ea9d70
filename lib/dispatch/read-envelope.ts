import { toError } from '../core/errors.js';
import { isDeadTopic } from '../core/pattern.js';
import type { Codec } from '../envelope/codec.js';
import type { Envelope } from '../envelope/envelope.js';
import { EMPTY_RECORD } from '../envelope/records.js';
import type { Delivery } from '../transport/transport.js';
import { positionText } from './position-text.js';

/** A delivery's metadata, or why it cannot be read. Dead letters can always be read: what cannot be read ends there. */
export function readEnvelope(codec: Codec, delivery: Delivery): Envelope | Error {
  const { message } = delivery;
  try {
    return codec.read(message);
  } catch (error) {
    return isDeadTopic(message.topic) ? bareEnvelope(delivery) : toError(error);
  }
}

function bareEnvelope({ message, position }: Delivery): Envelope {
  const { topic } = message;
  return {
    topic,
    id: `${topic}:${positionText(position)}`,
    type: topic,
    source: undefined,
    version: undefined,
    key: undefined,
    time: undefined,
    tenantId: undefined,
    correlationId: undefined,
    causationId: undefined,
    traceparent: undefined,
    tracestate: undefined,
    contentType: undefined,
    headers: EMPTY_RECORD,
  };
}
