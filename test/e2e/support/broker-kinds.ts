import { startKafka, startNats } from '../../support/brokers.js';

/** A broker of one's own, and what the sample app has to know of it. */
export interface AppBroker {
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export const BROKER_KINDS = {
  nats: async (): Promise<AppBroker> => {
    const server = await startNats();
    return withEnv(server, 'nats', server.url);
  },
  kafka: async (): Promise<AppBroker> => {
    const server = await startKafka();
    return withEnv(server, 'kafka', server.brokers.join(','));
  },
} as const;

function withEnv(server: Omit<AppBroker, 'env'>, transport: string, servers: string): AppBroker {
  return {
    env: { EVENTBUS_TRANSPORT: transport, EVENTBUS_SERVERS: servers },
    stop: () => server.stop(),
    restart: () => server.restart(),
    remove: () => server.remove(),
  };
}
