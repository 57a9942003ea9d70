import type { ConsumerConfig, ConsumerInfo, ConsumerUpdateConfig } from '@nats-io/jetstream';
import { JetStreamApiError } from '@nats-io/jetstream';
import { TopologyError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { codeOf, CONSUMER_NOT_FOUND, type JetStreamApi } from './jetstream-api.js';
import { PIN_GROUP } from './names.js';

const NANOS_PER_MS = 1_000_000;
/** A pin outlives its owner's last pull by so many pulls' expiries. */
export const PIN_EXPIRIES = 4;
const ALREADY_EXISTS = new Set([10_013, 10_105, 10_148]);

export interface DurableOptions {
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  readonly pullExpiryMs: number;
  readonly pinned: boolean;
  /** Where to go on when the durable was deleted under us. */
  readonly startSequence?: number | undefined;
}

/** What the client's types leave out. */
export type PinnedConsumerInfo = ConsumerInfo & {
  readonly priority_groups?: readonly { readonly group: string; readonly pinned_client_id?: string }[];
};

/** Creates the durable, or brings the one that is there in line with the group. @throws TopologyError */
export async function ensureDurable(
  api: JetStreamApi,
  plan: ConsumerPlan,
  options: DurableOptions,
  logger: BusLogger,
): Promise<PinnedConsumerInfo> {
  const existing = await findDurable(api, plan);
  if (existing !== undefined) return adjusted(api, plan, { existing, options, logger });
  try {
    return await api.ask((manager) =>
      manager.consumers.add(plan.stream, { ...fixedOf(plan, options), ...adjustableOf(plan, options) }),
    );
  } catch (error) {
    if (!ALREADY_EXISTS.has(codeOf(error) ?? 0)) throw refused(plan, error);
    const faster = await findDurable(api, plan);
    if (faster === undefined) throw refused(plan, error);
    return adjusted(api, plan, { existing: faster, options, logger });
  }
}

async function findDurable(api: JetStreamApi, plan: ConsumerPlan): Promise<PinnedConsumerInfo | undefined> {
  try {
    return await api.ask((manager) => manager.consumers.info(plan.stream, plan.durable));
  } catch (error) {
    if (codeOf(error) === CONSUMER_NOT_FOUND) return undefined;
    throw refused(plan, error);
  }
}

interface Adjustment {
  readonly existing: PinnedConsumerInfo;
  readonly options: DurableOptions;
  readonly logger: BusLogger;
}

async function adjusted(
  api: JetStreamApi,
  plan: ConsumerPlan,
  { existing, options, logger }: Adjustment,
): Promise<PinnedConsumerInfo> {
  const wanted = adjustableOf(plan, options);
  warnOfStart(plan, existing.config, logger);
  if (isSame(existing.config, wanted)) return existing;
  try {
    const changed = await api.ask((manager) =>
      manager.consumers.update(plan.stream, plan.durable, updateOf(existing.config, wanted)),
    );
    logger.log(`NATS: changed consumer "${plan.durable}" of stream "${plan.stream}"`, {
      group: plan.subscription.group,
    });
    return { ...existing, ...changed };
  } catch (error) {
    throw refused(plan, error);
  }
}

/** What a durable is created with and keeps. */
function fixedOf(plan: ConsumerPlan, { startSequence }: DurableOptions): Partial<ConsumerConfig> {
  const { startFrom } = plan.subscription;
  const start: Partial<ConsumerConfig> =
    startSequence !== undefined
      ? { deliver_policy: 'by_start_sequence', opt_start_seq: startSequence }
      : startFrom instanceof Date
        ? { deliver_policy: 'by_start_time', opt_start_time: startFrom.toISOString() }
        : { deliver_policy: startFrom === 'latest' ? 'new' : 'all' };
  return { durable_name: plan.durable, ack_policy: 'explicit', replay_policy: 'instant', ...start };
}

function adjustableOf(plan: ConsumerPlan, options: DurableOptions): ConsumerUpdateConfig {
  const [only, ...more] = plan.filters;
  return {
    ack_wait: options.ackWaitMs * NANOS_PER_MS,
    max_ack_pending: options.maxAckPending,
    max_deliver: -1,
    ...(more.length > 0 ? { filter_subjects: [...plan.filters] } : only === undefined ? {} : { filter_subject: only }),
    ...(options.pinned
      ? {
          priority_groups: [PIN_GROUP],
          priority_policy: 'pinned_client',
          priority_timeout: options.pullExpiryMs * PIN_EXPIRIES * NANOS_PER_MS,
        }
      : {}),
  };
}

function filtersOf({ filter_subject: one, filter_subjects: many }: ConsumerUpdateConfig): string {
  const filters = many ?? (one === undefined || one === '' ? [] : [one]);
  return filters.toSorted().join(' ');
}

function isSame(existing: ConsumerConfig, wanted: ConsumerUpdateConfig): boolean {
  const keys = ['ack_wait', 'max_ack_pending', 'priority_policy', 'priority_timeout'] as const;
  return filtersOf(existing) === filtersOf(wanted) && keys.every((key) => (existing[key] ?? 0) === (wanted[key] ?? 0));
}

/** One filter and several are two fields; the one that is not used has to be emptied. */
function updateOf(existing: ConsumerConfig, wanted: ConsumerUpdateConfig): ConsumerUpdateConfig {
  const hasMany = (existing.filter_subjects?.length ?? 0) > 0;
  if (wanted.filter_subjects !== undefined) return { filter_subject: '', ...wanted };
  return hasMany ? { ...wanted, filter_subjects: [] } : wanted;
}

function warnOfStart(
  { subscription: { startFrom, group }, durable }: ConsumerPlan,
  { deliver_policy, opt_start_time }: ConsumerConfig,
  logger: BusLogger,
): void {
  const began = deliver_policy === 'all' ? 'earliest' : deliver_policy === 'new' ? 'latest' : opt_start_time;
  const same =
    startFrom instanceof Date ? began !== undefined && Date.parse(began) === startFrom.getTime() : began === startFrom;
  if (same || deliver_policy === 'by_start_sequence') return;
  logger.warn(
    `NATS: group "${group}" exists since before and went on where it was; its startFrom counts only when it is first created`,
    {
      group,
      durable,
      startFrom,
      began,
    },
  );
}

function refused(plan: ConsumerPlan, error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  return new TopologyError(
    `Cannot have consumer "${plan.durable}" of stream "${plan.stream}" for group "${plan.subscription.group}": ${error.message} (${error.code}).`,
    error,
  );
}
