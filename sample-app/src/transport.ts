import { memoryTransport, type TransportFactory } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';

/** The broker this process was told to use: `EVENTBUS_TRANSPORT` memory (default), nats or kafka, at `EVENTBUS_SERVERS`. */
export function transportFromEnvironment(env: NodeJS.ProcessEnv): TransportFactory {
  const servers = (env['EVENTBUS_SERVERS'] ?? '').split(',').filter(Boolean);
  switch (env['EVENTBUS_TRANSPORT'] ?? 'memory') {
    case 'memory':
      return memoryTransport();
    case 'nats':
      return natsTransport({
        connection: { servers: servers.length > 0 ? servers : ['localhost:4222'] },
        streams: [{ name: 'ORDERS', subjects: ['orders.>'] }],
      });
    case 'kafka':
      return kafkaTransport({
        connection: { brokers: servers.length > 0 ? servers : ['localhost:9092'] },
        topics: [{ name: 'orders.placed' }, { name: 'orders.reserved' }],
      });
    default:
      throw new Error(`EVENTBUS_TRANSPORT must be memory, nats or kafka, got "${env['EVENTBUS_TRANSPORT']}"`);
  }
}
