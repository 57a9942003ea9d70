import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  exports: Record<string, unknown>;
  devDependencies: Record<string, string>;
};
const BASE_PEERS = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'reflect-metadata', 'rxjs'];
const OPTIONAL_PEERS = ['kafkajs', '@nats-io/jetstream', '@nats-io/kv', '@nats-io/transport-node', '@nestjs/terminus'];

interface Entry {
  readonly path: string;
  readonly name: string;
  readonly needs: readonly string[];
}
const ENTRIES: readonly Entry[] = [
  { path: '.', name: 'EventBusModule', needs: [] },
  { path: './kafka', name: 'kafkaTransport', needs: ['kafkajs'] },
  { path: './nats', name: 'natsTransport', needs: ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/transport-node'] },
  { path: './health', name: 'EventBusHealthModule', needs: ['@nestjs/terminus'] },
  { path: './testing', name: 'transportContract', needs: [] },
];

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('the packed tarball', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-package-'));
  let tarball = '';

  beforeAll(() => {
    run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(folder, 'build', 'dist')], root);
    for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
      writeFileSync(join(folder, 'build', file), readFileSync(join(root, file)));
    }
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--pack-destination', folder], join(folder, 'build')),
    ) as [{ filename: string }];
    tarball = join(folder, packed.filename);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has a test for every entry', () => {
    expect(ENTRIES.map(({ path }) => path)).toEqual(
      Object.keys(manifest.exports).filter((e) => e !== './package.json'),
    );
  });

  it.each(ENTRIES)('$path can be imported and required with only the peers it needs', { timeout: 240_000 }, (entry) => {
    const app = mkdtempSync(join(folder, 'app-'));
    install(app, [...BASE_PEERS, ...entry.needs]);
    for (const peer of OPTIONAL_PEERS.filter((name) => !entry.needs.includes(name))) {
      expect(existsSync(join(app, 'node_modules', peer)), `${peer} must not be needed`).toBe(false);
    }
    const specifier = entry.path === '.' ? manifest.name : `${manifest.name}/${entry.path.slice(2)}`;
    const show = `console.log(typeof bus.${entry.name})`;
    writeFileSync(join(app, 'import.mjs'), `import 'reflect-metadata'; import * as bus from '${specifier}'; ${show};`);
    writeFileSync(
      join(app, 'require.cjs'),
      `require('reflect-metadata'); const bus = require('${specifier}'); ${show};`,
    );
    expect(run('node', ['import.mjs'], app).trim()).toBe('function');
    expect(run('node', ['require.cjs'], app).trim()).toBe('function');
  });

  it('holds the built library and no sources or tests', () => {
    const list = run('tar', ['-tzf', tarball], folder).split('\n').filter(Boolean);
    expect(list).toContain('package/dist/index.js');
    expect(list).toContain('package/LICENSE');
    expect(list.filter((path) => /\.spec\.|\/test\/|[^d]\.ts$/.test(path.replace(/\.d\.ts$/, '')))).toEqual([]);
  });

  it("names no type of a broker's client in the root entry", () => {
    const types = readdirSync(join(folder, 'build', 'dist')).filter((name) => name.endsWith('.d.ts'));
    for (const name of types) {
      const text = readFileSync(join(folder, 'build', 'dist', name), 'utf8');
      expect(text, name).not.toMatch(/kafkajs|@nats-io|@nestjs\/terminus/);
    }
  });

  function install(app: string, peers: readonly string[]): void {
    const dependencies = Object.fromEntries(peers.map((name) => [name, manifest.devDependencies[name]]));
    writeFileSync(
      join(app, 'package.json'),
      JSON.stringify({ private: true, dependencies: { ...dependencies, [manifest.name]: `file:${tarball}` } }),
    );
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], app);
  }
});
