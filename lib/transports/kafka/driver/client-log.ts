import { logLevel, type logCreator, type LogEntry } from 'kafkajs';
import type { BusLogger } from '../../../core/logger.js';

/** What of a log entry may be shown. Everything else could hold payloads or secrets. */
const SHOWN = ['broker', 'groupId', 'topic', 'partition', 'error'] as const;

/** What kafkajs calls a warning and we cause or expect ourselves, or handle and report where it matters. */
const EXPECTED = [
  'Response ',
  'Connection error: closed by this process',
  'Connection error: Client network socket disconnected',
  'The coordinator is not aware of this member',
  'The group is rebalancing',
  'Consumer is not aware of all assigned partitions',
  'Topic has been updated',
  'Limiting retries',
];

/** kafkajs's log, told to the bus's logger: warnings and errors at `warn`, what belongs to a rebalance at `debug`. */
export function clientLog(logger: BusLogger): logCreator {
  return () => (entry) => {
    if (entry.level > logLevel.WARN) return;
    const isExpected = EXPECTED.some((start) => entry.log.message.startsWith(start));
    logger[isExpected ? 'debug' : 'warn'](`kafkajs: ${entry.log.message}`, fieldsOf(entry));
  };
}

function fieldsOf(entry: LogEntry): Record<string, string | number> {
  const fields: Record<string, string | number> = {};
  for (const name of SHOWN) {
    const value: unknown = entry.log[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  return fields;
}
