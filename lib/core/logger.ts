/** The facts of a log line; the same names everywhere. */
export interface LogFields {
  readonly topic?: string;
  readonly eventType?: string;
  readonly eventId?: string;
  readonly key?: string;
  readonly group?: string;
  readonly handler?: string;
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

/**
 * What the library logs through; the module gives one over Nest's Logger. `warn`: the library will act (retry, reconnect);
 * `error`: somebody must act. Never one line a message above `debug`. Callers pass no secrets.
 */
export interface BusLogger {
  debug(message: string, fields?: LogFields): void;
  log(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Says nothing. */
export const SILENT_LOGGER: BusLogger = { debug: noop, log: noop, warn: noop, error: noop };

function noop(): void {
  // silence is the point
}
