import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { connect } from 'nats';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import type { TransportFactory } from 'nestjs-eventbus';
import { kafkaBroker, startNats } from '../../../support/brokers.js';
import { eventually } from '../../../support/eventually.js';
import { type FaultEnvironment, KAFKA, kafkaFaults, NATS, natsFaults, type TransportUnderTest } from './environment.js';

/** A broker that takes no dead letters. */
export interface Trouble {
  readonly faults: FaultEnvironment;
  readonly transport: TransportFactory;
  /** Before the application starts. @param deadTopic where its dead letters are to go */
  strike(deadTopic: string): Promise<void>;
  mend(deadTopic: string): Promise<void>;
  close(): Promise<void>;
}

export interface TroubleUnderTest {
  readonly name: string;
  readonly on: TransportUnderTest;
  /** Dead letters that are stored all the same before it is mended. */
  readonly stored: number;
  readonly open: () => Promise<Trouble>;
}

const ROOM = 2;
const MAX_BYTES = 20_000;
/** Less than any record has. `min.insync.replicas` above the number of replicas refuses nothing: brokers count no more than there are. */
const NO_BYTES = 32;

/** The dead-letter topic refuses what is written to it, or is not there. */
export const TROUBLES: readonly TroubleUnderTest[] = [
  { name: 'its stream is full (discard new)', on: NATS, stored: ROOM, open: () => natsTrouble('full') },
  { name: 'its stream is missing', on: NATS, stored: 0, open: () => natsTrouble('missing') },
  {
    name: 'its topic refuses whatever is written',
    on: KAFKA,
    stored: 0,
    open: () => kafkaTrouble('refusing'),
  },
  { name: 'its topic is missing', on: KAFKA, stored: 0, open: () => kafkaTrouble('missing') },
];

/** The dead-letter topic was made by somebody who did not think of dead letters of this size. */
export const TOO_SMALL: readonly TroubleUnderTest[] = [
  { name: 'the stream of dead letters', on: NATS, stored: 0, open: () => natsTrouble('too small') },
  { name: 'the topic of dead letters', on: KAFKA, stored: 0, open: () => kafkaTrouble('too small') },
];

async function natsTrouble(what: 'full' | 'missing' | 'too small'): Promise<Trouble> {
  const server = await startNats();
  const faults = await natsFaults(server.url);
  const connection = await connect({ servers: server.url });
  const manager = await connection.jetstreamManager();
  const dead = { name: 'DEAD_LETTERS', subjects: ['dead.>'] };
  return {
    faults,
    transport: natsTransport({ connection: { servers: server.url }, policy: 'none', ackWaitMs: 2_000 }),
    strike: async () => {
      if (what === 'full') await manager.streams.add({ ...dead, max_msgs: ROOM, discard: 'new' as never });
      if (what === 'too small') await manager.streams.add({ ...dead, max_msg_size: MAX_BYTES });
    },
    mend: async () => {
      const { config } = what === 'missing' ? await manager.streams.add(dead) : await manager.streams.info(dead.name);
      await manager.streams.update(dead.name, { ...config, max_msgs: -1, max_msg_size: -1 });
    },
    close: async () => {
      await faults.close();
      await connection.close();
      await server.remove();
    },
  };
}

async function kafkaTrouble(what: 'refusing' | 'missing' | 'too small'): Promise<Trouble> {
  const { brokers } = await kafkaBroker();
  const faults = await kafkaFaults(brokers);
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const limit = String(what === 'refusing' ? NO_BYTES : MAX_BYTES);
  const configure = (topic: string, configEntries: { name: string; value: string }[]) => {
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
    return admin.alterConfigs({ validateOnly: false, resources: [resource] });
  };
  const create = async (topic: string): Promise<void> => {
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
    await eventually(() => admin.fetchTopicMetadata({ topics: [topic] }));
  };
  return {
    faults,
    transport: kafkaTransport({ connection: { brokers }, policy: 'none', topicRefreshMs: 500 }),
    strike: async (topic) => {
      if (what === 'missing') return;
      await create(topic);
      await configure(topic, [{ name: 'max.message.bytes', value: limit }]);
    },
    mend: async (topic) => {
      if (what === 'missing') await create(topic);
      else await configure(topic, []);
    },
    close: async () => {
      await faults.close();
      await admin.disconnect();
    },
  };
}
