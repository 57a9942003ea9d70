import { assertTopic } from '../core/pattern.js';
import { assertHeaderName } from './header-rules.js';

/** Names remembered at most, of each kind. */
const MAX_REMEMBERED = 1_000;

/**
 * What an event gets where its publisher says nothing, and what is remembered from event to event to make checking cheap. One per bus.
 */
export class EventDefaults {
  /** Topics that have passed the check. */
  readonly #topics = new Set<string>();
  /** Header names that have. */
  readonly #headerNames = new Set<string>();
  #milliseconds = Number.NaN;
  /** `#milliseconds` as RFC 3339. */
  #time = '';

  /** @param source CloudEvents' `source` @param now milliseconds since the epoch */
  constructor(
    readonly source: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws InvalidTopicError */
  assertTopic(topic: string): void {
    if (this.#topics.has(topic)) return;
    assertTopic(topic);
    remember(this.#topics, topic);
  }

  /** @throws InvalidHeaderError */
  assertHeaderName(name: string): void {
    if (this.#headerNames.has(name)) return;
    assertHeaderName(name);
    remember(this.#headerNames, name);
  }

  /** Now, as RFC 3339 with milliseconds. */
  time(): string {
    const now = this.now();
    if (now !== this.#milliseconds) {
      this.#time = new Date(now).toISOString();
      this.#milliseconds = now;
    }
    return this.#time;
  }
}

function remember(names: Set<string>, name: string): void {
  if (names.size >= MAX_REMEMBERED) names.clear();
  names.add(name);
}
