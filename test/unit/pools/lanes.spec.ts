import { describe, expect, it } from 'vitest';
import { Group, Lane } from '../../../lib/pools/lane.js';
import { Lanes } from '../../../lib/pools/lanes.js';
import { ScriptedTask } from './scripted-task.js';

const KEYS = 100_000;

function setup() {
  const lanes = new Lanes();
  const group = new Group('group');
  const add = (key: string): Lane => {
    const lane = new Lane(group, key, new ScriptedTask());
    lanes.add(lane);
    return lane;
  };
  const empty = (lane: Lane): void => {
    lane.advance();
    lanes.emptied(lane);
  };
  const kept = (): number => Array.from({ length: KEYS }, (_, i) => lanes.get(`key ${i}`)).filter(Boolean).length;
  return { lanes, add, empty, kept };
}

describe('Lanes', () => {
  it('keeps at most 1,024 lanes of idle keys', () => {
    const { lanes, add, empty, kept } = setup();
    for (let i = 0; i < KEYS; i += 1) empty(add(`key ${i}`));

    expect(lanes.size).toBe(0);
    expect(kept()).toBeLessThanOrEqual(1_024);
  });

  it('keeps every lane that has a task, also when idle ones are let go', () => {
    const { lanes, add, empty } = setup();
    const again = add('again');
    empty(again);
    again.push(new ScriptedTask());
    lanes.refilled();
    const busy = add('busy');
    for (let i = 0; i < KEYS; i += 1) empty(add(`key ${i}`));

    expect([lanes.get('busy'), lanes.get('again')]).toEqual([busy, again]);
    expect(lanes.size).toBe(2);
  });

  it('lets a lane go that was idle, busy and idle again', () => {
    const { lanes, add, empty } = setup();
    const lane = add('a');
    for (let i = 0; i < 3; i += 1) {
      if (i > 0) {
        lane.push(new ScriptedTask());
        lanes.refilled();
      }
      empty(lane);
    }
    expect(lanes.size).toBe(0);
    lanes.clear();
    expect(lanes.get('a')).toBeUndefined();
  });
});
