import { logLevel, type logCreator, type LogEntry } from 'kafkajs';
import { monotonicNow } from '../../../core/clock.js';
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

const SAME_AGAIN_AFTER_MS = 10_000;
const MOST_REMEMBERED = 100;

/**
 * kafkajs's log, told to the bus's logger: warnings and errors at `warn`, the same one at most every ten seconds; what belongs to
 * a rebalance, or is said where it is handled, at `debug`.
 */
export function clientLog(logger: BusLogger): logCreator {
  const isNews = newsFilter();
  return () => (entry) => {
    if (entry.level > logLevel.WARN) return;
    const { message } = entry.log;
    const isWarning = !EXPECTED.some((start) => message.startsWith(start)) && isNews(message);
    logger[isWarning ? 'warn' : 'debug'](`kafkajs: ${message}`, fieldsOf(entry));
  };
}

/** Whether a message was not said lately. */
function newsFilter(): (message: string) => boolean {
  const saidAt = new Map<string, number>();
  return (message) => {
    const now = monotonicNow();
    const last = saidAt.get(message);
    if (last !== undefined && now - last < SAME_AGAIN_AFTER_MS) return false;
    if (saidAt.size >= MOST_REMEMBERED) saidAt.clear();
    saidAt.set(message, now);
    return true;
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
