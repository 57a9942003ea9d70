/** No broker was named, none answers and none can be started; the message says what to install. */
export class BrokerUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A broker was launched and ended, or did not answer in time; the message ends with its log's last lines. */
export class BrokerStartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
