import type { Configuration } from '../measure/configuration.js';
import { KAFKA_PEERS } from '../peers/kafka.js';
import { FEW_KEYS } from './few-keys.js';
import { OURS } from './ours.js';
import { PARALLEL_CONSUMER } from './parallel-consumer.js';
import { RAW_CONSUME } from './raw-consume.js';
import { RAW_PAIR } from './raw-pair.js';
import { RAW_PUBLISH } from './raw-publish.js';
import { REBALANCE } from './rebalance.js';

/** Everything that runs on Kafka, in the order in which it is printed. */
export const KAFKA_SUITE: readonly Configuration[] = [
  ...RAW_PUBLISH,
  ...RAW_CONSUME,
  ...RAW_PAIR,
  ...KAFKA_PEERS,
  ...PARALLEL_CONSUMER,
  ...FEW_KEYS,
  ...OURS,
  ...REBALANCE,
];
