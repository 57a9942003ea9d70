import { monotonicNow } from '../../core/clock.js';
import { NotConnectedError, toError } from '../../core/errors.js';
import type { Handle } from '../../core/handle-register.js';
import type { ConnectionState, ConnectionStatus, TransportContext } from '../../transport/transport.js';
import { WakeUp } from './consuming/wake-up.js';
import { errorType, isAuthentication, isCertificate, typedError } from './driver/client-errors.js';
import type { ClusterFacts, KafkaAdmin, KafkaDriver } from './driver/driver.js';
import { within } from './driver/within.js';

const PROBE_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;
/** Wrong credentials do not become right by asking often; rotated ones may. Doubled each time. */
const REFUSED_BACKOFF_MS = { first: 1_000, longest: 30_000 };

/**
 * The connection to the cluster as a whole: an admin client that is probed, and made anew when it does not answer. Its status is
 * live: it goes down with the last socket, not with the next request.
 */
export class KafkaConnection {
  #status: ConnectionStatus = { state: 'connecting', since: monotonicNow() };
  #admin: KafkaAdmin | undefined;
  #facts: ClusterFacts | undefined;
  #loop: Promise<void> | undefined;
  #isClosed = false;
  readonly #sleep = new WakeUp();

  constructor(
    private readonly driver: KafkaDriver,
    private readonly context: Pick<TransportContext, 'onStatus' | 'logger' | 'handles'>,
  ) {}

  get status(): ConnectionStatus {
    return this.#status;
  }

  get isConnected(): boolean {
    return this.#status.state === 'connected';
  }

  /** Of the cluster as it was at the last connection. */
  get facts(): ClusterFacts | undefined {
    return this.#facts;
  }

  /** Resolves at the first connection. @throws AuthenticationError, EventBusError for a certificate: then it does not go on trying */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#loop ??= this.#run(resolve, reject);
    });
  }

  /** @throws NotConnectedError */
  async admin(): Promise<KafkaAdmin> {
    if (this.#admin === undefined) throw new NotConnectedError('Kafka', this.#status.error);
    return this.#admin;
  }

  /** A connection of any client came up or went down. */
  socketsChanged(): void {
    if (this.driver.openSockets > 0 || !this.isConnected || this.#isClosed) return;
    this.#enter('disconnected', new Error('All connections to Kafka were closed.'));
    this.#sleep.wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sleep.wake();
    await this.#admin?.close();
    await this.#loop;
    this.#enter('closed');
  }

  async #run(connected: () => void, refused: (error: Error) => void): Promise<void> {
    let wasConnected = false;
    let backoffMs = FIRST_BACKOFF_MS;
    let refusedMs = REFUSED_BACKOFF_MS.first;
    while (!this.#isClosed) {
      const failure = await this.#hold(() => {
        wasConnected = true;
        backoffMs = FIRST_BACKOFF_MS;
        refusedMs = REFUSED_BACKOFF_MS.first;
        connected();
      });
      if (this.#isClosed) break;
      const isRefused = isAuthentication(failure) || isCertificate(failure);
      const error = typedError(failure, 'connect');
      this.#enter(wasConnected || isRefused ? 'disconnected' : 'connecting', error);
      if (isRefused && !wasConnected) return refused(error);
      await this.#sleep.sleep(isRefused ? refusedMs : backoffMs);
      if (isRefused) refusedMs = Math.min(refusedMs * 2, REFUSED_BACKOFF_MS.longest);
      else backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
    }
    connected();
  }

  /** Connects, and probes until that fails. Resolves with what went wrong. */
  async #hold(connected: () => void): Promise<unknown> {
    const admin = this.driver.createAdmin();
    const handle: Handle = this.context.handles.open('connection', 'kafka admin');
    try {
      await admin.connect();
      this.#facts = await this.#factsOf(admin);
      this.#admin = admin;
      this.#enter('connected');
      connected();
      while (!this.#isClosed && this.isConnected) {
        await this.#sleep.sleep(PROBE_EVERY_MS);
        if (!this.#isClosed && this.isConnected) await probe(admin);
      }
      return this.#status.error;
    } catch (error) {
      return error;
    } finally {
      this.#admin = undefined;
      await within(PROBE_TIMEOUT_MS, admin.close());
      handle.closed();
    }
  }

  /** Facts are good to have, never a reason not to connect. */
  async #factsOf(admin: KafkaAdmin): Promise<ClusterFacts | undefined> {
    try {
      return await admin.clusterFacts();
    } catch (error) {
      this.context.logger.debug('Kafka does not tell its limits.', { error: errorType(error) });
      return this.#facts;
    }
  }

  #enter(state: ConnectionState, error?: Error): void {
    const isSame = this.#status.state === state && this.#status.error?.message === error?.message;
    if (isSame || this.#status.state === 'closed') return;
    const since = this.#status.state === state ? this.#status.since : monotonicNow();
    this.#status = error === undefined ? { state, since } : { state, since, error };
    this.context.onStatus(this.#status);
  }
}

async function probe(admin: KafkaAdmin): Promise<void> {
  let failure: unknown;
  const answered = await within(
    PROBE_TIMEOUT_MS,
    admin.probe().catch((error: unknown) => {
      failure = error ?? new Error('the probe failed');
    }),
  );
  if (!answered) throw new Error(`Kafka has not answered for ${PROBE_TIMEOUT_MS} ms.`);
  if (failure !== undefined) throw toError(failure);
}
