import { JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { NotConnectedError, TopologyError } from '../../core/errors.js';
import type { NatsLink } from './connection.js';
import { NATS, permissionError, type PermissionViolation } from './nats.errors.js';
import type { Pause } from './pause.js';

export const CONSUMER_NOT_FOUND = 10_014;
export const STREAM_NOT_FOUND = 10_059;
const JETSTREAM_OFF_FOR_ACCOUNT = 10_039;
/** No leader, shutting down: comes back. */
const COMES_BACK = new Set([10_008, 10_009, 10_118]);

const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/** So many answers in a row that nobody answers, and JetStream is taken to be off. */
const NO_RESPONDERS_LIMIT = 20;

/** The JetStream API, asked again for as long as the broker is away. Never used per message. */
export class JetStreamApi {
  constructor(
    private readonly link: NatsLink,
    private readonly domain: string | undefined,
    private readonly pause: Pause,
    private readonly isClosing: () => boolean,
  ) {}

  /**
   * Resolves with the answer, however long the broker is away.
   * @throws JetStreamApiError for what the server refuses; TopologyError, AuthorizationError; NotConnectedError once the bus closes
   */
  async ask<T>(request: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    for (let unanswered = 0; ;) {
      try {
        return await this.once(request);
      } catch (error) {
        unanswered = isNoResponders(error) ? unanswered + 1 : 0;
        this.#giveUpOn(error, unanswered);
      }
      await this.pause.ms(RETRY_MS);
    }
  }

  /** Asks once. @throws also NotConnectedError and the client's time-outs */
  async once<T>(request: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = this.link.connection;
    if (connection === undefined) throw new NotConnectedError(NATS);
    const options = { checkAPI: false, timeout: REQUEST_TIMEOUT_MS };
    return request(
      await jetstreamManager(connection, this.domain === undefined ? options : { ...options, domain: this.domain }),
    );
  }

  #giveUpOn(error: unknown, unanswered: number): void {
    if (this.isClosing()) throw new NotConnectedError(NATS, error);
    const violation = violationIn(error);
    if (violation !== undefined) throw permissionError(violation);
    if (codeOf(error) === JETSTREAM_OFF_FOR_ACCOUNT)
      throw new TopologyError('JetStream is not enabled for this NATS account.', error);
    if (unanswered >= NO_RESPONDERS_LIMIT)
      throw new TopologyError('JetStream is not enabled on the NATS server (start it with -js).', error);
    if (error instanceof JetStreamApiError && !COMES_BACK.has(error.code)) throw error;
  }
}

/** JetStream's own code of what was thrown, or undefined. */
export function codeOf(error: unknown): number | undefined {
  const api = error instanceof Error && error.cause instanceof JetStreamApiError ? error.cause : error;
  return api instanceof JetStreamApiError ? api.code : undefined;
}

function isNoResponders(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled' && codeOf(error) === undefined;
}

function violationIn(error: unknown): PermissionViolation | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof errors.PermissionViolationError) return at;
  return undefined;
}
