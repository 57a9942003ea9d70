import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** `bench/java`, seen from where start.mjs has compiled this. */
const PROJECT = join(import.meta.dirname, '..', '..', '..', '..', 'java');
const JAR = join(PROJECT, 'target', 'peer.jar');
const SOURCES = ['pom.xml', join('src', 'main', 'java', 'bench')];

/** The peer as a jar, built by Maven when there is none or when its sources are newer. */
export async function peerJar(): Promise<string> {
  if (isStale()) await build();
  return JAR;
}

function isStale(): boolean {
  if (!existsSync(JAR)) return true;
  const builtAt = statSync(JAR).mtimeMs;
  return SOURCES.flatMap(filesOf).some((file) => statSync(file).mtimeMs > builtAt);
}

function filesOf(name: string): string[] {
  const path = join(PROJECT, name);
  return statSync(path).isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
}

async function build(): Promise<void> {
  try {
    await promisify(execFile)('mvn', ['-q', '-B', 'package'], { cwd: PROJECT });
  } catch (cause) {
    const { stdout = '', message } = cause as Error & { stdout?: string };
    throw new Error(`parallel-consumer needs Java 17 and Maven, and to be built: ${message}\n${stdout}`, { cause });
  }
}
