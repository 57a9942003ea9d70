import { afterEach, describe, expect, it } from 'vitest';
import {
  BrokerUnavailableError,
  type KafkaAddress,
  type NatsAddress,
  type Obtained,
} from '../../../tools/brokers/index.js';
import { askStarter, type Starter, startStarter } from '../../support/starter.js';

const starters: Starter[] = [];

async function setup() {
  const log: string[] = [];
  const obtained = <Address>(name: string, address: Address): Obtained<Address> => {
    log.push(`start ${name}`);
    return { ...address, release: async () => void log.push(`release ${name}`) };
  };
  const starter = await startStarter({
    nats: async () => obtained<NatsAddress>('nats', { url: 'localhost:1', version: '2.12' }),
    kafka: async (): Promise<Obtained<KafkaAddress>> => {
      log.push('start kafka');
      throw new BrokerUnavailableError('No Kafka can be had: install Java.');
    },
  });
  starters.push(starter);
  return { starter, log };
}

afterEach(async () => {
  await Promise.all(starters.splice(0).map((starter) => starter.close()));
});

describe('the starter of shared brokers', () => {
  it('starts nothing that nobody asks for', async () => {
    const { starter, log } = await setup();
    await starter.close();

    expect(log).toEqual([]);
  });

  it('starts a broker once for all who ask, and gives it back at the end', async () => {
    const { starter, log } = await setup();
    const addresses = await Promise.all([1, 2, 3].map(() => askStarter(starter.url, 'nats')));
    await starter.close();

    expect(addresses).toEqual(Array.from({ length: 3 }, () => ({ url: 'localhost:1', version: '2.12' })));
    expect(log).toEqual(['start nats', 'release nats']);
  });

  it('fails a test that needs a broker which cannot be had, in the words that say what to install', async () => {
    const { starter, log } = await setup();

    await expect(askStarter(starter.url, 'kafka')).rejects.toThrow('No Kafka can be had: install Java.');
    await expect(askStarter(starter.url, 'kafka')).rejects.toThrow('install Java');
    expect(log).toEqual(['start kafka']);
  });
});
