import type { HandleRegister } from '../../core/handle-register.js';
import type { BusLogger } from '../../core/logger.js';
import type { ConsumerPort } from '../../transport/transport.js';
import type { ServerFeatures } from './features.js';
import type { JetStreamApi } from './jetstream-api.js';
import type { ResolvedNatsOptions } from './nats.options.js';
import type { Pause } from './pause.js';
import type { Settles } from './settles.js';
import type { StreamBirths } from './stream-births.js';

/** What all consumers of a transport share. */
export interface ConsumerContext {
  readonly options: ResolvedNatsOptions;
  readonly topicPrefix: string;
  readonly inboxPrefix: string;
  /** `$JS.API`, or that of a domain. */
  readonly apiPrefix: string;
  readonly api: JetStreamApi;
  readonly port: ConsumerPort;
  readonly settles: Settles;
  readonly pause: Pause;
  readonly births: StreamBirths;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  readonly features: () => ServerFeatures;
  /** Largest body plus headers of the server, in bytes. */
  readonly maxPayload: () => number;
  readonly now: () => number;
}

/** What a consumer has counted, for health. */
export interface ConsumerCounts {
  arrived: number;
  /** Of these: delivered before. */
  redelivered: number;
  /** Brought by a filter wider than the group's patterns, and settled. */
  ignored: number;
  /** Deliveries whose consumer sequence was not the next one. */
  gaps: number;
  takeOvers: number;
  /** In milliseconds, from the question what is unsettled to all of it being here. */
  lastTakeOverMs: number;
  longestTakeOverMs: number;
  /** Redelivered although they are in hand. */
  repeats: number;
  /** Redelivered although they were settled here: settled again. */
  reacknowledged: number;
  /** Times a consumer that was connected but deaf was set up again. */
  revivals: number;
}

export function noCounts(): ConsumerCounts {
  return {
    arrived: 0,
    redelivered: 0,
    ignored: 0,
    gaps: 0,
    takeOvers: 0,
    lastTakeOverMs: 0,
    longestTakeOverMs: 0,
    repeats: 0,
    reacknowledged: 0,
    revivals: 0,
  };
}
