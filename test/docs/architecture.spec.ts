import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, ROOT } from './markdown.js';

const page = read('docs/architecture.md');
const lib = (path: string): string => join(ROOT, 'lib', path);

describe('docs/architecture.md', () => {
  it('names files that exist', () => {
    const named = [...page.matchAll(/`([\w./-]+\/[\w.-]+\.ts|event-bus\.[\w.-]+\.ts)`/g)].map(([, path = '']) => path);

    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !existsSync(lib(path)))).toEqual([]);
  });

  it('has every folder of lib', () => {
    const folders = readdirSync(lib(''), { withFileTypes: true }).filter((entry) => entry.isDirectory());

    expect(folders.filter(({ name }) => !page.includes(`| \`${name}/`)).map(({ name }) => name)).toEqual([]);
  });

  it('follows a message through at most eight files, each once', () => {
    const path = page.split('## The path of a message')[1]?.split('\n## ')[0] ?? '';
    const steps = [...path.matchAll(/^\d\. `([^`]+)`/gm)].map(([, file]) => file);

    expect(steps.length).toBeGreaterThan(4);
    expect(steps.length).toBeLessThanOrEqual(8);
    expect(new Set(steps).size).toBe(steps.length);
  });
});
