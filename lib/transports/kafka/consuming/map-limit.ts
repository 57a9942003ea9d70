import { bodyBytesIn } from './offset-map.js';

/** What brokers take as metadata of one partition's commit by default (`offset.metadata.max.bytes`), in characters. */
const DEFAULT_CHARACTERS = 4_096;
/** A broker that refuses so little takes no maps. */
const FEWEST_CHARACTERS = 128;
/** A partition whose map has reached this part of the room stops fetching: what is in hand may still break it up further. */
const FULL_PART = 0.75;
const PER_BYTE = 128;

/** How large a group's maps may be: learnt from what the brokers refuse. */
export class MapLimit {
  #characters = DEFAULT_CHARACTERS;

  /** Bytes of a map's body that fit beside a note of so many characters; below 0 when there are to be no maps. */
  bodyBytes(noteCharacters: number): number {
    return this.#characters < FEWEST_CHARACTERS ? -1 : bodyBytesIn(this.#characters - noteCharacters);
  }

  /** A broker has refused metadata of this length. */
  refused(characters: number): void {
    this.#characters = Math.min(this.#characters, Math.floor(characters / 2));
  }

  isFull(mapBytes: number, noteCharacters: number): boolean {
    const room = this.bodyBytes(noteCharacters);
    return room > 0 && mapBytes > room * FULL_PART;
  }
}

/** How many bytes a map needs at most, from what is known without making it. */
export function mapBytesOf({ islands, spread }: { readonly islands: number; readonly spread: number }): number {
  if (islands === 0) return 0;
  const asBits = Math.ceil(spread / 8);
  const asRuns = islands * 2 + spread / PER_BYTE + spread / PER_BYTE ** 2;
  return Math.ceil(Math.min(asBits, asRuns));
}
