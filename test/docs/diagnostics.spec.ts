import { describe, expect, it } from 'vitest';
import { diagnostics } from '../../lib/core/diagnostics.js';
import { DEAD_HEADERS } from '../../lib/dispatch/dead-letter.headers.js';
import { read } from './markdown.js';

const page = read('docs/operations.md');

describe('docs/operations.md', () => {
  it('has every diagnostics channel, and no other', () => {
    const documented = [...page.matchAll(/^\| `(event-bus:\S+)`/gm)].map(([, name]) => name);

    expect(new Set(documented)).toEqual(new Set(Object.values(diagnostics).map(({ name }) => name)));
  });

  it('has every header of a dead letter, and no other', () => {
    const documented = new Set([...page.matchAll(/`(eb-dead-[a-z-]+)`/g)].map(([, name]) => name));

    expect(documented).toEqual(new Set(Object.values(DEAD_HEADERS)));
  });
});
