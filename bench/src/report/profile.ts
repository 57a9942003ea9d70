import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';

const SHOWN = 30;

/** Prints the functions of a CPU profile that took the most time themselves. */
export function printTop(id: string, file: string): void {
  const profile = readProfile(file);
  if (profile === undefined) return;
  const micros = selfMicros(profile);
  const idle = micros.get('(idle)') ?? 0;
  micros.delete('(idle)');
  const total = [...micros.values()].reduce((sum, one) => sum + one, 0);
  console.log(`\n${id}: ${Math.round(total / 1_000)} ms busy, ${Math.round(idle / 1_000)} ms idle (${file})`);
  const sorted = [...micros].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
  for (const [name, one] of sorted) console.log(`${((100 * one) / total).toFixed(1).padStart(6)} %  ${name}`);
}

function readProfile(file: string): Profiler.Profile | undefined {
  try {
    const profile: Profiler.Profile = JSON.parse(readFileSync(file, 'utf8'));
    return profile;
  } catch {
    return undefined; // its repetition failed, which the table says
  }
}

function selfMicros({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  samples.forEach((node, index) => {
    const name = names.get(node) ?? '?';
    micros.set(name, (micros.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return micros;
}

function nameOf({ functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number }): string {
  const place = url === '' ? '' : ` ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
}
