import { MessageTooLargeError } from '../core/errors.js';
import type { Codec } from '../envelope/codec.js';
import type { EventDefaults } from '../envelope/event-defaults.js';
import type { EventOptions } from '../envelope/event-options.js';
import { createEvent } from '../envelope/validation.js';
import type { OutgoingMessage } from '../transport/message.js';
import type { Transport } from '../transport/transport.js';
import { type PublishedEvent, sizeOf } from './pending-publish.js';

/** What an event passes before anything is sent: checked, encoded, measured. */
export class EventWriter {
  constructor(
    private readonly codec: Codec,
    private readonly defaults: EventDefaults,
    private readonly transport: Pick<Transport, 'maxMessageBytes'>,
  ) {}

  /**
   * @throws InvalidTopicError, InvalidKeyError, InvalidHeaderError, InvalidEventError, DataNotSerializableError,
   * MessageTooLargeError (larger than the broker allows)
   */
  write(topic: string, data: unknown, options: EventOptions | undefined): PublishedEvent {
    const event = createEvent(topic, data, options, this.defaults);
    const { body, headers } = this.codec.encode(event);
    const message: OutgoingMessage = { topic, key: event.key, id: event.id, body, headers };
    const sizeBytes = sizeOf(message);
    const { maxMessageBytes } = this.transport;
    if (maxMessageBytes !== undefined && sizeBytes > maxMessageBytes) {
      throw new MessageTooLargeError(topic, sizeBytes, maxMessageBytes);
    }
    return { message, type: event.type, sizeBytes };
  }
}
