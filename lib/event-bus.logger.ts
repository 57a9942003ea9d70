import { Logger } from '@nestjs/common';
import { messageOf, toError } from './core/errors.js';
import type { BusLogger, LogFields } from './core/logger.js';
import { DEFAULT_BUS } from './core/tokens.js';

/**
 * A bus's log lines, through Nest's Logger: one line each, the facts behind the sentence as JSON, a stack where somebody must act. What
 * a logger throws goes to the process as a warning: a line that cannot be written must not change what becomes of an event.
 */
export function nestLogger(bus: string): BusLogger {
  const logger = new Logger(bus === DEFAULT_BUS ? 'EventBus' : `EventBus:${bus}`);
  return {
    debug: (message, fields) => guarded(() => logger.debug(lineOf(message, fields))),
    log: (message, fields) => guarded(() => logger.log(lineOf(message, fields))),
    warn: (message, fields) => guarded(() => logger.warn(lineOf(message, fields))),
    error: (message, fields) =>
      guarded(() => {
        if (fields?.error === undefined) logger.error(lineOf(message, fields));
        else logger.error(lineOf(message, fields), toError(fields.error).stack);
      }),
  };
}

function guarded(write: () => void): void {
  try {
    write();
  } catch (error) {
    process.emitWarning(`A log line of the event bus was lost: ${messageOf(error)}`);
  }
}

function lineOf(message: string, fields: LogFields = {}): string {
  const { error, ...facts } = fields;
  const behind = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts, jsonSafe)}`;
  return error === undefined ? `${message}${behind}` : `${message}${behind} ${messageOf(error)}`;
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
