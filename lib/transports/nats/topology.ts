import { JetStreamApiError, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import { TopologyError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import { codeOf, type JetStreamApi, STREAM_NOT_FOUND } from './jetstream-api.js';
import type { NatsStreamPolicy } from './nats.options.js';
import { type DeclaredStream, differences, partitionsOf, updateOf } from './stream-config.js';

const NAME_TAKEN = 10_058;
const SUBJECTS_TAKEN = 10_065;

/** Creates and checks streams, by policy. Asks the server once per declared stream, and never again but after a reconnect. */
export class Topology {
  constructor(
    private readonly api: JetStreamApi,
    private readonly policy: NatsStreamPolicy,
    private readonly logger: BusLogger,
  ) {}

  /** @throws TopologyError that says what differs and how to mend it */
  async ensure(stream: DeclaredStream): Promise<void> {
    if (this.policy === 'none') return;
    const existing = await this.#existing(stream.name);
    if (existing !== undefined) return this.#check(stream, existing.config);
    if (this.policy === 'validate')
      throw new TopologyError(`Stream "${stream.name}" does not exist, and policy is "validate".`);
    await this.#create(stream);
  }

  /** The streams of others that take some of the given subjects. */
  async findForeign(subject: string): Promise<{ name: string; subjects: string[]; partitions: number }[]> {
    const names = await this.api.ask((manager) => manager.streams.names(subject).next());
    const infos = await Promise.all(names.map((name) => this.#existing(name)));
    return infos.flatMap((info) => {
      if (info === undefined) return [];
      const subjects = info.config.subjects.filter((one) => !/^\d+\./.test(one));
      return [{ name: info.config.name, subjects, partitions: partitionsOf(subjects, info.config.subjects) }];
    });
  }

  async #existing(name: string): Promise<StreamInfo | undefined> {
    try {
      return await this.api.ask((manager) => manager.streams.info(name));
    } catch (error) {
      if (codeOf(error) === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  async #create(stream: DeclaredStream): Promise<void> {
    try {
      await this.api.ask((manager) => manager.streams.add(stream.config));
      this.logger.log(`NATS: created stream "${stream.name}"`, {
        subjects: stream.subjects,
        partitions: stream.partitions,
      });
    } catch (error) {
      const existing = codeOf(error) === NAME_TAKEN ? await this.#existing(stream.name) : undefined;
      if (existing === undefined) throw refused('create', stream, error);
      await this.#check(stream, existing.config); // another process was faster
    }
  }

  async #check(stream: DeclaredStream, existing: StreamConfig): Promise<void> {
    const found = differences(stream, existing);
    if (found.length === 0) return;
    if (this.policy === 'create-or-update') return this.#update(stream, existing);

    const list = found.map(({ what }) => what).join('; ');
    if (this.policy === 'validate' || found.some(({ harm }) => harm === 'breaks')) {
      throw new TopologyError(
        `Stream "${stream.name}" is not as declared: ${list}. Change the declaration, or use policy "create-or-update".`,
      );
    }
    this.logger.warn(`NATS: stream "${stream.name}" is not as declared: ${list}`);
  }

  async #update(stream: DeclaredStream, existing: StreamConfig): Promise<void> {
    const { retention, storage } = stream.config;
    if (existing.retention !== retention || existing.storage !== storage) {
      throw new TopologyError(
        `Stream "${stream.name}" has retention "${existing.retention}" and storage "${existing.storage}": the server cannot change these.`,
      );
    }
    const partitions = partitionsOf(stream.subjects, existing.subjects);
    if (partitions > stream.partitions) {
      throw new TopologyError(
        `Stream "${stream.name}" has ${partitions} partitions, declared ${stream.partitions}: what lies in the others would not be handled.`,
      );
    }
    try {
      await this.api.ask((manager) => manager.streams.update(stream.name, updateOf(stream, existing)));
      this.logger.log(`NATS: changed stream "${stream.name}"`);
    } catch (error) {
      throw refused('change', stream, error);
    }
  }
}

function refused(what: string, stream: DeclaredStream, error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  const hint =
    error.code === SUBJECTS_TAKEN
      ? ' Another stream has some of these subjects: declare that one, or other subjects.'
      : '';
  const subjects = stream.config.subjects.slice(0, 5).join(', ');
  return new TopologyError(
    `Cannot ${what} stream "${stream.name}" (${subjects}): ${error.message} (${error.code}).${hint}`,
    error,
  );
}
