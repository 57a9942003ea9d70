import { Group } from './lane.js';
import type { Lane } from './lane.js';

/**
 * The lanes that wait for a worker, and whose turn it is. The next worker goes to the group with the fewest running, so
 * that one whose tasks take long cannot hold all workers while another has something ready; among equals to the one
 * that was served longest ago.
 */
export class ReadyGroups {
  readonly #groupByName = new Map<string, Group>();

  /** The groups that have a ready lane, the one served longest ago first. */
  readonly #waiting: Group[] = [];

  #lastNamed: Group | undefined;
  #size = 0;

  /** How many lanes are ready. */
  get size(): number {
    return this.#size;
  }

  /** The group of that name, made when it is new. */
  group(name: string): Group {
    if (this.#lastNamed !== undefined && this.#lastNamed.name === name) return this.#lastNamed;

    let group = this.#groupByName.get(name);
    if (group === undefined) {
      group = new Group(name);
      this.#groupByName.set(name, group);
    }
    this.#lastNamed = group;
    return group;
  }

  add(lane: Lane): void {
    const { group } = lane;
    if (group.ready.size === 0) this.#waiting.push(group);
    group.ready.push(lane);
    this.#size += 1;
  }

  /** Takes out the lane that is to have the next worker; undefined when none is ready. */
  take(): Lane | undefined {
    const index = this.#fewestRunning();
    const group = this.#waiting[index];
    if (group === undefined) return undefined;

    const lane = group.ready.shift();
    this.#size -= 1;
    this.#endTurn(index, group);
    return lane;
  }

  /** Keeps the lanes for which `keep` says true. */
  filter(keep: (lane: Lane) => boolean): void {
    const before = this.#waiting.splice(0);
    this.#size = 0;
    for (const group of before) {
      group.ready.filter(keep);
      this.#size += group.ready.size;
      if (group.ready.size > 0) this.#waiting.push(group);
    }
  }

  /** Most often the first one already has none running: then no other is looked at. */
  #fewestRunning(): number {
    let best = 0;
    let fewest = Infinity;
    for (let i = 0; i < this.#waiting.length && fewest > 0; i += 1) {
      const running = this.#waiting[i]?.running ?? 0;
      if (running >= fewest) continue;
      best = i;
      fewest = running;
    }
    return best;
  }

  /** The group that was served goes to the end, or away when it has nothing left. */
  #endTurn(index: number, group: Group): void {
    const waiting = this.#waiting;
    const isEmpty = group.ready.size === 0;
    const last = waiting.length - 1;
    if (index < last) waiting.copyWithin(index, index + 1);
    if (isEmpty) waiting.pop();
    else waiting[last] = group;
  }
}
