/** No broker was named, none answers and none can be started; the message says what to install. */
export class BrokerUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

const FAULT = /\b(ERROR|FATAL|ERR|FTL)\b|Exception|^Caused by|nats-server: /;
const SHOWN_LINES = 15;

/** A broker was launched and ended, or did not answer in time; the message has what its log says of it. */
export class BrokerStartError extends Error {
  /** All that the launch has printed. */
  readonly log: string;

  constructor(what: string, log: string) {
    const lines = log.trimEnd().split('\n');
    const last = lines.slice(-SHOWN_LINES);
    const faults = lines.slice(0, -SHOWN_LINES).filter((line) => FAULT.test(line));
    super([`${what}. From its log:`, ...faults.slice(0, SHOWN_LINES), ...last].join('\n'));
    this.name = new.target.name;
    this.log = log;
  }
}
