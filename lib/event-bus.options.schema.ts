import { z } from 'zod';
import { assertTopic, isGroupName } from './core/pattern.js';
import { deadlineMs, onTimeoutSchema, retrySchema, waitMs } from './handlers/handler-options.schema.js';

const MOST_WORKERS = 100_000;
const MOST_EVENTS = 10_000_000;
const MOST_BYTES = 2 ** 40;

const count = (most: number) => z.int().min(1).max(most);
const bytes = count(MOST_BYTES);

const pool = { workers: count(MOST_WORKERS).optional(), queueSize: count(MOST_EVENTS).optional() };

/** What `resize` takes. */
export const workersSchema = z.strictObject({ pool: z.enum(['global', 'keyed']), workers: count(MOST_WORKERS) });

const poolsSchema = z.strictObject({
  global: z.strictObject(pool).optional(),
  keyed: z.strictObject({ ...pool, queueSizePerKey: count(MOST_EVENTS).optional() }).optional(),
  ack: z
    .strictObject({
      workers: count(MOST_WORKERS).optional(),
      maxPending: count(MOST_EVENTS).optional(),
      maxPendingBytes: bytes.optional(),
      resultBufferSize: count(MOST_EVENTS).optional(),
      timeoutMs: deadlineMs.optional(),
    })
    .optional(),
  queueSizeBytes: bytes.optional(),
  saturatedAfterMs: waitMs.optional(),
});

const groupSchema = z.strictObject({
  delivery: z.enum(['at-least-once', 'at-most-once']).optional(),
  startFrom: z
    .union([z.enum(['earliest', 'latest']), z.date()], { error: 'be "earliest", "latest" or a valid Date' })
    .optional(),
});

const groupName = z.string().refine(isGroupName, { error: 'be 1 to 100 letters, digits, ".", "_" and "-"' });

const topicPrefix = z
  .string()
  .max(100)
  .refine((prefix) => prefix === '' || isTopic(`${prefix}x`), {
    error: 'be the beginning of a topic: letters, digits, "_" and "-" between dots',
  });

/** What `forRoot()` takes: types, ranges and names; unknown names are faults too. */
export const eventBusSchema = z.strictObject({
  transport: factory(['create', 'validate'], 'be made by memoryTransport(), natsTransport() or kafkaTransport()'),
  codec: factory(['create'], 'be made by cloudEventsCodec(), jsonEnvelopeCodec() or nestCodec()'),
  group: groupName.optional(),
  groups: z.record(z.string(), groupSchema).optional(),
  topicPrefix: topicPrefix.optional(),
  source: z.string().min(1).max(1_000).optional(),
  consume: z.boolean().optional(),
  startup: z.enum(['background', 'require']).optional(),
  connectTimeoutMs: deadlineMs.optional(),
  pools: poolsSchema.optional(),
  retry: retrySchema.optional(),
  handlers: z
    .strictObject({
      timeoutMs: deadlineMs.optional(),
      onTimeout: onTimeoutSchema.optional(),
      globalEnhancers: z.boolean().optional(),
    })
    .optional(),
  unmatched: z.enum(['ignore', 'dead-letter']).optional(),
  shutdownTimeoutMs: deadlineMs.optional(),
  rebalanceDrainMs: deadlineMs.optional(),
  stalledAfterMs: deadlineMs.optional(),
  blockedAfterMs: deadlineMs.optional(),
  maxBodyBytes: bytes.optional(),
  maxJsonDepth: count(10_000).optional(),
});

function factory(methods: readonly string[], error: string): z.ZodOptional {
  const isFactory = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof Reflect.get(value, method) === 'function');
  return z.custom(isFactory, { error }).optional();
}

function isTopic(topic: string): boolean {
  try {
    assertTopic(topic);
    return true;
  } catch {
    return false;
  }
}
