import type { JetStreamApi } from '../jetstream-api.js';
import { readKey, streamOfBucket, subjectOfKey } from './buckets.js';
import { type MemberKey, memberKey, readMemberKey } from './names.js';
import type { Member } from './plan.js';
import { readMember } from './records.js';

/** Who is there at a moment. */
export interface Roll {
  /** Those that take part. */
  readonly members: readonly Member[];
  /** Everybody whose key is there, the leaving ones too: their claims are valid. */
  readonly living: readonly MemberKey[];
}

/** Asks who lives: one request, on every version of the server. An expiry is seen by asking; no event is relied on. */
export class RollCall {
  /** Member id → what it knows. */
  readonly #known = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly api: JetStreamApi,
    private readonly bucket: string,
  ) {}

  /** @throws what the client throws */
  async take(): Promise<Roll> {
    const prefix = subjectOfKey(this.bucket, '');
    const info = await this.api.once((manager) =>
      manager.streams.info(streamOfBucket(this.bucket), { subjects_filter: `${prefix}>` }),
    );
    const living = Object.keys(info.state.subjects ?? {}).flatMap(
      (subject) => readMemberKey(subject.slice(prefix.length)) ?? [],
    );
    this.#forgetOthers(living);
    const members: Member[] = [];
    for (const key of living) if (key.kind === 'm') members.push({ id: key.id, knows: await this.#knows(key) });
    return { members: members.toSorted((one, other) => (one.id < other.id ? -1 : 1)), living };
  }

  /** Its value never changes: it is read once. */
  async #knows(key: MemberKey): Promise<ReadonlySet<string>> {
    const known = this.#known.get(key.id);
    if (known !== undefined) return known;
    const stored = await this.api.once((manager) => readKey(manager, this.bucket, memberKey(key)));
    if (stored === undefined) return new Set();
    const knows = readMember(stored.text);
    this.#known.set(key.id, knows);
    return knows;
  }

  #forgetOthers(living: readonly MemberKey[]): void {
    const ids = new Set(living.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }
}
