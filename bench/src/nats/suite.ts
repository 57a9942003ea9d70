import type { Configuration } from '../measure/configuration.js';
import { NATS_PEERS } from '../peers/nats-suite.js';
import { OURS } from './ours.js';
import { RAW_CONSUME } from './raw-consume.js';
import { RAW_PAIR } from './raw-pair.js';
import { RAW_PUBLISH } from './raw-publish.js';

/** Everything that runs on NATS JetStream, in the order in which it is printed. */
export const NATS_SUITE: readonly Configuration[] = [
  ...RAW_PUBLISH,
  ...RAW_CONSUME,
  ...RAW_PAIR,
  ...NATS_PEERS,
  ...OURS,
];
