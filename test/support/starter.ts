import { createServer } from 'node:http';
import {
  type KafkaAddress,
  type NatsAddress,
  obtainKafka,
  obtainNats,
  type Obtained,
} from '../../tools/brokers/index.js';
import { listen } from './listen.js';

/** What the starter can be asked for. */
export interface SharedBrokers {
  readonly nats: NatsAddress;
  readonly kafka: KafkaAddress;
}

/** Starts each broker when it is first asked for, and no earlier: unit tests alone start none. */
export interface Starter {
  /** http://127.0.0.1:PORT, to which test processes send GET /nats and GET /kafka. */
  readonly url: string;
  /** Gives all brokers back. */
  close(): Promise<void>;
}

type Obtain = { readonly [Name in keyof SharedBrokers]: () => Promise<Obtained<SharedBrokers[Name]>> };

const OBTAIN: Obtain = { nats: () => obtainNats(), kafka: () => obtainKafka() };

/** One starter serves all processes of a test run. */
export async function startStarter(obtain: Obtain = OBTAIN): Promise<Starter> {
  const asked = new Map<string, Promise<Obtained<NatsAddress | KafkaAddress>>>();
  const answer = async (name: string): Promise<NatsAddress | KafkaAddress> => {
    if (name !== 'nats' && name !== 'kafka') throw new Error(`There is no broker "${name}".`);
    const broker = asked.get(name) ?? obtain[name]();
    asked.set(name, broker);
    return broker;
  };

  const server = createServer((request, response) => {
    answer((request.url ?? '').slice(1)).then(
      (address) => response.end(JSON.stringify(address)),
      (error: unknown) => response.writeHead(503).end(error instanceof Error ? error.message : String(error)),
    );
  });
  const port = await listen(server);

  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      const brokers = await Promise.allSettled(asked.values());
      await Promise.all(brokers.map(async (broker) => broker.status === 'fulfilled' && broker.value.release()));
    },
  };
}

/** @throws Error with the starter's words when the broker cannot be had */
export async function askStarter<Name extends keyof SharedBrokers>(
  url: string,
  name: Name,
): Promise<SharedBrokers[Name]> {
  const response = await fetch(`${url}/${name}`);
  const body = await response.text();
  if (!response.ok) throw new Error(body);
  const address: SharedBrokers[Name] = JSON.parse(body);
  return address;
}
