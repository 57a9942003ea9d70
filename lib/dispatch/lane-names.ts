/** How many topics get a number. Topics come from outside, so that there must be a bound. */
const MOST_NUMBERED = 10_000;

/** Begins the names with a number; no group's name does. */
const NUMBERED = '\u0001';

/**
 * Exactly one name for a group, a topic and a key. The name is hashed for each event, and so is kept short: a number stands for group and
 * topic, for good. Topics beyond the bound are written out.
 */
export class LaneNames {
  /** Group → topic → what names of its lanes begin with. */
  readonly #prefixes = new Map<string, Map<string, string>>();
  #numbered = 0;

  /** What was asked for last is most often asked for next. */
  #group = '';
  #topic = '';
  #prefix = '';

  /** Undefined without a key: then there is no lane. */
  nameOf(group: string, topic: string, key: string | undefined): string | undefined {
    if (key === undefined || key === '') return undefined;
    if (topic !== this.#topic || group !== this.#group) {
      this.#prefix = this.#prefixOf(group, topic);
      this.#topic = topic;
      this.#group = group;
    }
    return this.#prefix + key;
  }

  #prefixOf(group: string, topic: string): string {
    const known = this.#prefixes.get(group)?.get(topic);
    if (known !== undefined) return known;
    if (this.#numbered >= MOST_NUMBERED) return `${group}\0${topic}\0`;
    this.#numbered += 1;
    const prefix = `${NUMBERED}${this.#numbered}:`;
    const ofGroup = this.#prefixes.get(group) ?? new Map<string, string>();
    this.#prefixes.set(group, ofGroup.set(topic, prefix));
    return prefix;
  }
}
