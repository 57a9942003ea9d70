import { InvalidOptionsError } from '../../core/errors.js';
import type { TransportFactory } from '../../transport/transport.js';
import { validateNatsOptions } from './nats.options.schema.js';
import { type NatsTransportOptions, resolveNatsOptions } from './nats.options.js';
import { NatsTransport } from './nats.transport.js';

export type {
  NatsConnectionOptions,
  NatsStreamLimits,
  NatsStreamOptions,
  NatsStreamPolicy,
  NatsTlsOptions,
  NatsTransportOptions,
} from './nats.options.js';

export { DeadLetterPartsError, readDeadLetter } from './dead-letter.reader.js';
export type { DeadLetterPart, WholeDeadLetter } from './dead-letter.reader.js';

/**
 * The bus over NATS JetStream (nats-server 2.9.10 or newer). Every event is stored in a stream; every group has a durable consumer in
 * each stream it reads. Options are checked when the bus starts.
 */
export function natsTransport(options: NatsTransportOptions = {}): TransportFactory {
  return {
    name: 'nats',
    durable: true,
    validate: () => validateNatsOptions(options),
    create: (context) => {
      const { topicPrefix } = context;
      if (topicPrefix !== '' && !/^(?:[A-Za-z0-9_-]+\.)+$/.test(topicPrefix)) {
        throw new InvalidOptionsError([
          `topicPrefix must be dotted names and end with "." on NATS, got "${topicPrefix}"`,
        ]);
      }
      return new NatsTransport(resolveNatsOptions(options), context);
    },
  };
}
