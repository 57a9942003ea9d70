import { z } from 'zod';
import { assertTopic } from '../../core/pattern.js';
import {
  DEFAULT_KAFKA_CONNECTION,
  DEFAULT_KAFKA_OPTIONS,
  DEFAULT_TOPIC_PARTITIONS,
  type KafkaTransportOptions,
  type ResolvedKafkaOptions,
} from './kafka.options.js';

const wholeNumber = (least: number, most: number) =>
  z.custom<number>(
    (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
    `be a whole number from ${least} to ${most}`,
  );
const milliseconds = wholeNumber(1, 86_400_000);
const text = z.custom<string>((value) => typeof value === 'string' && value !== '', 'be a string that is not empty');
const flag = z.custom<boolean>((value) => typeof value === 'boolean', 'be true or false');
const broker = z.custom<string>(
  (value) => typeof value === 'string' && /^[^\s:/]+:\d{1,5}$/.test(value),
  'be host:port',
);
const topicName = z.custom<string>(isTopic, 'be a topic: dotted tokens of letters, digits, "_" and "-"');
const oneOf = (...values: readonly string[]) =>
  z.custom(
    (value) => values.some((allowed) => allowed === value),
    `be one of ${values.map((value) => `'${value}'`).join(', ')}`,
  );
const plainObject = (shape: z.ZodRawShape) => z.strictObject(shape, { error: 'be an object with known properties' });

const tls = z.custom(
  (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  'be true, false or an object with ca, cert, key',
);
const sasl = z.custom(
  isSasl,
  'have a mechanism of plain, scram-sha-256, scram-sha-512 (with username and password, or credentials) or oauthbearer (with token)',
);

const schema = plainObject({
  connection: plainObject({
    brokers: z.union([broker, z.array(broker).min(1)], { error: 'be host:port, or a list of them' }),
    clientId: text.optional(),
    ssl: tls.optional(),
    sasl: sasl.optional(),
    allowInsecureAuth: flag.optional(),
    connectTimeoutMs: milliseconds.optional(),
    authenticationTimeoutMs: milliseconds.optional(),
    requestTimeoutMs: milliseconds.optional(),
  }),
  topics: z
    .array(
      plainObject({
        name: topicName,
        partitions: wholeNumber(1, 10_000).optional(),
        replicationFactor: wholeNumber(1, 100).optional(),
        config: z.record(z.string(), z.string(), { error: 'be an object of strings' }).optional(),
      }),
    )
    .optional(),
  policy: oneOf('create', 'create-or-update', 'validate', 'none').optional(),
  maxBytesPerPartition: wholeNumber(1_024, 1_073_741_824).optional(),
  maxWaitTimeMs: wholeNumber(1, 5_000).optional(),
  sessionTimeoutMs: wholeNumber(1_000, 1_800_000).optional(),
  heartbeatIntervalMs: milliseconds.optional(),
  rebalanceTimeoutMs: milliseconds.optional(),
  commitIntervalMs: milliseconds.optional(),
  maxUncommitted: wholeNumber(1, 10_000_000).optional(),
  topicRefreshMs: milliseconds.optional(),
  deafAfterMs: wholeNumber(1_000, 86_400_000).optional(),
  maxDeadLetterBytes: wholeNumber(1_048_576, 100_000_000).optional(),
});

/** Every fault of the options, each `kafka.<path> must …, got …`; secrets are never quoted. Empty when there is none. */
export function kafkaOptionFaults(options: KafkaTransportOptions): string[] {
  const parsed = schema.safeParse(options);
  if (!parsed.success) return parsed.error.issues.flatMap((issue) => faultsOf(issue, options));
  return crossFaults(options);
}

/** The options with everything present. Only for options without faults. */
export function resolveKafkaOptions(options: KafkaTransportOptions): ResolvedKafkaOptions {
  const { connection, topics = [], ...rest } = options;
  const { brokers, allowInsecureAuth: _, ...others } = connection;
  return {
    ...DEFAULT_KAFKA_OPTIONS,
    ...given(rest),
    connection: {
      ...DEFAULT_KAFKA_CONNECTION,
      sasl: undefined,
      ...given(others),
      brokers: typeof brokers === 'string' ? [brokers] : brokers,
    },
    topics: topics.map(({ name, partitions = DEFAULT_TOPIC_PARTITIONS, replicationFactor, config = {} }) => ({
      name,
      partitions,
      replicationFactor,
      config,
    })),
  };
}

/** What depends on several options at once. */
function crossFaults({
  connection,
  heartbeatIntervalMs,
  sessionTimeoutMs,
  topics = [],
}: KafkaTransportOptions): string[] {
  const faults: string[] = [];
  if (connection.sasl?.mechanism === 'plain' && !connection.ssl && connection.allowInsecureAuth !== true) {
    faults.push(
      'kafka.connection.sasl must not send a password without TLS: set ssl, or allowInsecureAuth, got plain without ssl',
    );
  }
  const session = sessionTimeoutMs ?? DEFAULT_KAFKA_OPTIONS.sessionTimeoutMs;
  const heartbeat = heartbeatIntervalMs ?? DEFAULT_KAFKA_OPTIONS.heartbeatIntervalMs;
  if (heartbeat * 3 > session) {
    faults.push(`kafka.heartbeatIntervalMs must be at most a third of sessionTimeoutMs (${session}), got ${heartbeat}`);
  }
  const names = topics.map(({ name }) => name);
  for (const name of new Set(names.filter((candidate, index) => names.indexOf(candidate) !== index))) {
    faults.push(`kafka.topics must name each topic once, got "${name}" twice`);
  }
  return faults;
}

function faultsOf(issue: z.core.$ZodIssue, options: unknown): string[] {
  const path = ['kafka', ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${path}.${key} must not be there: no such option`);
  return [`${path} must ${issue.message}, got ${shown(issue.path, options)}`];
}

/** Credentials and TLS material are named, never shown. */
function shown(path: readonly PropertyKey[], options: unknown): string {
  if (path.includes('sasl') || path.includes('ssl')) return 'something else';
  let value: unknown = options;
  for (const key of path) value = isRecord(value) ? value[key] : undefined;
  if (typeof value === 'string') return `'${value.slice(0, 100)}'`;
  return typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : String(value);
}

function isTopic(value: unknown): boolean {
  try {
    assertTopic(value);
    return true;
  } catch {
    return false;
  }
}

function isSasl(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { mechanism, username, password, credentials, token } = value;
  if (mechanism === 'oauthbearer') return typeof token === 'function';
  const named = mechanism === 'plain' || mechanism === 'scram-sha-256' || mechanism === 'scram-sha-512';
  return named && (typeof credentials === 'function' || (typeof username === 'string' && typeof password === 'string'));
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Without what was given as undefined, which would hide a default. */
function given<T extends object>(options: T): T {
  const copy = { ...options };
  for (const key of Object.keys(copy)) if (Reflect.get(copy, key) === undefined) Reflect.deleteProperty(copy, key);
  return copy;
}
