import { memoryTransport, type Transport, type TransportFactory } from 'nestjs-eventbus';

/** A transport with some methods replaced. */
export function altered(
  change: (transport: Transport) => Partial<Transport>,
  factory: TransportFactory = memoryTransport(),
): TransportFactory {
  return {
    ...factory,
    create: (context) => {
      const transport = factory.create(context);
      return Object.assign(transport, change(transport));
    },
  };
}
