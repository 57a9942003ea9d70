import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildLibrary, type Patch } from '../../tools/chaos/workbench.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOSES: Patch = {
  file: 'dispatch/dispatcher.js',
  find: 'this.#submit(inFlight, envelope, handlers);',
  replace: 'this.#submit(inFlight, envelope, handlers); this.#options.settlement.settle(delivery);',
};

interface Ended {
  readonly code: unknown;
  readonly out: string;
  readonly errors: string;
}

describe('npm run chaos', { timeout: 240_000 }, () => {
  let folder: string;
  let sound: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eventbus-chaos-cli-'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    sound = buildLibrary(join(folder, 'sound'), {});
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function chaos(library: string, ...args: readonly string[]): Promise<Ended> {
    const fixed = ['--import', 'tsx', 'tools/chaos/cli.ts', '--transport', 'nats', '--library', library];
    return new Promise((resolve) => {
      execFile(process.execPath, [...fixed, ...args], { cwd: ROOT }, (error, out, errors) => {
        resolve({ code: error === null ? 0 : error.code, out, errors });
      });
    });
  }

  it('prints the schedule, how far it is, and the verdict as a table, and ends with 0 when every promise was kept', async () => {
    const { code, out, errors } = await chaos(sound, '--seed', '7', '--minutes', '0.1', '--faults', 'kill');

    expect({ code, errors: errors.match(/VIOLATED.*|INCONCLUSIVE.*/g) }).toEqual({ code: 0, errors: null });
    expect(out).toMatch(/chaos on nats, seed 7, 0.1 minutes, \d+ faults:\n +2\.0 s {2}kill/);
    expect(errors).toMatch(/\d+\/6 s \| \w+ \| \d+ confirmed, \d+ handled \| \d instances, \d+ running/);
    expect(out).toMatch(/fault +│ +struck +│ +handlers running +│ +deliveries in flight, each time/);
    expect(out).toMatch(/kill +│ +\d+ +│ +\d+ \/ \d+ \/ \d+ +│ +[1-9]/);
    expect(out).toMatch(/events per second +│ +[1-9]\d* /);
    expect(out).toContain('every promise was kept');
  });

  it('ends with 1 and names what was broken, with a library that loses events', async () => {
    const broken = buildLibrary(join(folder, 'broken'), { dist: sound, patches: [LOSES] });
    const { code, errors } = await chaos(broken, '--minutes', '0.12', '--faults', 'kill', '--rate', '2000');

    expect({ code, broken: errors.match(/VIOLATED/g)?.length ?? 0 }).toMatchObject({ code: 1 });
    expect(errors).toMatch(/VIOLATED \d+ events were lost/);
  });

  it('ends with 3 when a fault struck with nothing in flight', async () => {
    const { code, errors } = await chaos(sound, '--minutes', '0.05', '--faults', 'kill', '--rate', '0.001');

    expect({ code, errors: errors.match(/INCONCLUSIVE.*/g) }).toMatchObject({
      code: 3,
      errors: expect.arrayContaining(['INCONCLUSIVE kill struck with nothing in flight']) as string[],
    });
  });

  it('ends with 3 when a fault that was asked for never struck', async () => {
    const { code, errors } = await chaos(sound, '--minutes', '0.05', '--faults', 'kill,cut,reset,hold');

    expect(code).toBe(3);
    expect(errors).toMatch(/INCONCLUSIVE \w+ never struck/);
  });
});
