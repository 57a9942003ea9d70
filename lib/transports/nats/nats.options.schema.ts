import { z } from 'zod';
import { intersect } from './subjects.js';
import { DEFAULT_NATS_OPTIONS, type NatsStreamOptions, type NatsTransportOptions } from './nats.options.js';

const NAME = /^[A-Za-z0-9_-]{1,100}$/;
const SUBJECT_TOKENS = /^(?:(?:[A-Za-z0-9_-]+|\*)\.)*(?:[A-Za-z0-9_-]+|\*|>)$/;
const SECRETS = /(^|\.)(pass|token|nkeySeed|creds|key|authenticator)$/;

const integer = (least: number, most: number) => {
  const error = `be an integer from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).optional();
};
const positive = () => integer(1, Number.MAX_SAFE_INTEGER);
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `be one of ${values.map((value) => `"${value}"`).join(', ')}` }).optional();
const text = () => z.string({ error: 'be a text' }).min(1, { error: 'not be empty' }).optional();
const flag = () => z.boolean({ error: 'be true or false' }).optional();
const unknownKey = (issue: { code?: string }) => (issue.code === 'unrecognized_keys' ? 'be known' : 'be an object');

const limits = {
  storage: oneOf(['file', 'memory']),
  maxAgeMs: integer(0, Number.MAX_SAFE_INTEGER),
  maxBytes: positive(),
  maxMessages: positive(),
  maxMessageBytes: positive(),
  discard: oneOf(['new', 'old']),
  replicas: integer(1, 5),
  duplicateWindowMs: integer(100, 86_400_000),
};

const tls = z.strictObject(
  {
    ca: text(),
    caFile: text(),
    cert: text(),
    certFile: text(),
    key: text(),
    keyFile: text(),
    handshakeFirst: flag(),
    rejectUnauthorized: flag(),
  },
  { error: unknownKey },
);

const url = z
  .string({ error: 'be a text' })
  .regex(/^(?:(?:nats|tls):\/\/)?\S+$/, { error: 'be host:port or nats://host:port' });

const connection = z.strictObject(
  {
    servers: z
      .union([url, z.array(url).min(1)], { error: 'be host:port or nats://host:port, or a list of these' })
      .optional(),
    name: text(),
    user: text(),
    pass: text(),
    token: text(),
    nkeySeed: text(),
    creds: text(),
    credsFile: text(),
    authenticator: z.custom((value) => typeof value === 'function', { error: 'be a function' }).optional(),
    tls: z.union([z.boolean(), tls], { error: 'be true, false or TLS options' }).optional(),
    inboxPrefix: z
      .string({ error: 'be a text' })
      .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, { error: 'be a subject without wildcards' })
      .optional(),
    domain: z.string({ error: 'be a text' }).regex(NAME, { error: 'be letters, digits, "_" and "-"' }).optional(),
    connectTimeoutMs: integer(100, 600_000),
    reconnectDelayMs: integer(1, 600_000),
    maxReconnectDelayMs: integer(1, 600_000),
    pingIntervalMs: integer(100, 3_600_000),
  },
  { error: unknownKey },
);

const streamSchema = z.strictObject(
  {
    name: z.string({ error: 'be a text' }).regex(NAME, { error: 'be 1 to 100 letters, digits, "_" and "-"' }),
    subjects: z
      .array(
        z.string({ error: 'be a topic or a pattern' }).regex(SUBJECT_TOKENS, { error: 'be a topic or a pattern' }),
        {
          error: 'be a list of topics',
        },
      )
      .min(1, { error: 'have at least one topic' }),
    retention: oneOf(['limits', 'interest', 'workqueue']),
    partitions: integer(0, 1_024),
    ...limits,
  },
  { error: unknownKey },
);

const schema = z.strictObject(
  {
    connection: connection.optional(),
    streams: z.array(streamSchema, { error: 'be a list of streams' }).optional(),
    policy: oneOf(['create', 'create-or-update', 'validate', 'none']),
    deadLetters: z.strictObject(limits, { error: unknownKey }).optional(),
    ackWaitMs: integer(500, 3_600_000),
    memberTtlMs: integer(1_000, 3_600_000),
    instanceId: z
      .string({ error: 'be a text' })
      .regex(NAME, { error: 'be 1 to 100 letters, digits, "_" and "-"' })
      .optional(),
    maxAckPending: integer(1, 10_000_000),
    pullExpiryMs: integer(500, 60_000),
    pullBatch: integer(1, 100_000),
  },
  { error: unknownKey },
);

/** Every fault of the options, each `path must …, got …`; secrets are not repeated. */
export function validateNatsOptions(options: NatsTransportOptions): string[] {
  const parsed = schema.safeParse(options);
  if (!parsed.success) return parsed.error.issues.flatMap((issue) => faultsOf(issue, options));
  return [...authFaults(options), ...timeFaults(options), ...streamFaults(options.streams ?? [])];
}

function faultsOf(issue: z.core.$ZodIssue, options: unknown): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${pathOf([...issue.path, key])} is not an option`);
  const value = issue.path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    options,
  );
  const path = pathOf(issue.path);
  return [`${path || 'the options'} must ${issue.message}, got ${shown(path, value)}`];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

function shown(path: string, value: unknown): string {
  if (SECRETS.test(path) || path.startsWith('connection.servers') || path === 'connection.tls')
    return `a ${typeof value}`;
  return typeof value === 'string'
    ? `"${value.slice(0, 100)}"`
    : (JSON.stringify(value)?.slice(0, 100) ?? String(value));
}

const WAYS = ['token', 'nkeySeed', 'creds', 'credsFile', 'authenticator'] as const;

function authFaults({ connection: given = {} }: NatsTransportOptions): string[] {
  const ways = [...(given.user === undefined ? [] : ['user']), ...WAYS.filter((way) => given[way] !== undefined)];
  const faults = ways.length > 1 ? [`connection must have one way to authenticate, got ${ways.join(' and ')}`] : [];
  if (given.pass !== undefined && given.user === undefined)
    faults.push('connection.pass must come with connection.user, got none');
  return faults;
}

/** Redeliveries are due when a claim is free; and no pull of a dead owner outlives its claim. */
function timeFaults(options: NatsTransportOptions): string[] {
  const { memberTtlMs, ackWaitMs, pullExpiryMs } = { ...DEFAULT_NATS_OPTIONS, ...options };
  const faults =
    ackWaitMs > memberTtlMs ? [`ackWaitMs must be at most memberTtlMs (${memberTtlMs}), got ${ackWaitMs}`] : [];
  if (pullExpiryMs * 2 > memberTtlMs)
    faults.push(`pullExpiryMs must be at most half of memberTtlMs (${memberTtlMs}), got ${pullExpiryMs}`);
  return faults;
}

function streamFaults(streams: readonly NatsStreamOptions[]): string[] {
  const faults: string[] = [];
  streams.forEach((one, i) => {
    if (streams.findIndex(({ name }) => name === one.name) !== i)
      faults.push(`streams[${i}].name must be unique, got "${one.name}" twice`);
    one.subjects.forEach((subject, j) => {
      const path = `streams[${i}].subjects[${j}]`;
      if (intersect(subject, 'dead.>') !== undefined)
        faults.push(`${path} must not match dead.…, which has a stream of its own, got "${subject}"`);
      if ((one.partitions ?? 0) > 0 && /^(?:\*|>|\d+)(?:\.|$)/.test(subject)) {
        faults.push(`${path} must begin with a name, for partitions are the first token, got "${subject}"`);
      }
      if (overlapsEarlier(streams, i, j)) faults.push(`${path} must not overlap another subject, got "${subject}"`);
    });
  });
  return faults;
}

function overlapsEarlier(streams: readonly NatsStreamOptions[], stream: number, subject: number): boolean {
  const mine = streams[stream]?.subjects[subject] ?? '';
  return streams.some((other, i) =>
    other.subjects.some(
      (one, j) => (i < stream || (i === stream && j < subject)) && intersect(one, mine) !== undefined,
    ),
  );
}
