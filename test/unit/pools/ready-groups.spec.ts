import { describe, expect, it } from 'vitest';
import { Lane } from '../../../lib/pools/lane.js';
import { ReadyGroups } from '../../../lib/pools/ready-groups.js';
import { ScriptedTask } from './scripted-task.js';

function setup(groups: string, running: Record<string, number> = {}) {
  const ready = new ReadyGroups();
  for (const name of groups) ready.add(new Lane(ready.group(name), undefined, new ScriptedTask()));
  for (const [name, count] of Object.entries(running)) ready.group(name).running = count;
  const takeAll = (): string => {
    let order = '';
    for (let lane = ready.take(); lane !== undefined; lane = ready.take()) order += lane.group.name;
    return order;
  };
  return { ready, takeAll };
}

describe('ReadyGroups', () => {
  it('lets groups that have equally many running take turns', () => {
    expect(setup('aaaaabbbcc').takeAll()).toBe('abcabcabaa');
  });

  it('prefers the group with the fewest running', () => {
    expect(setup('aabbcc', { a: 2, b: 0, c: 1 }).takeAll()).toBe('bbccaa');
  });

  it('gives a group that comes late its turn at once', () => {
    const { ready, takeAll } = setup('a'.repeat(1_000));
    ready.take();
    ready.add(new Lane(ready.group('late'), undefined, new ScriptedTask()));

    expect(takeAll().indexOf('late')).toBeLessThanOrEqual(1);
  });

  it('forgets a group of which nothing is kept', () => {
    const { ready, takeAll } = setup('aabbcc');
    ready.filter((lane) => lane.group.name !== 'b');

    expect(ready.size).toBe(4);
    expect(takeAll()).toBe('acac');
    expect(ready.size).toBe(0);
  });
});
