import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Point, Repetition } from '../measure/configuration.js';
import type { Measured } from './results.js';

/** Figures of one kind, with all that has to be said beside them. */
interface Figures {
  readonly title: string;
  readonly source: string;
  readonly date: string;
  readonly machine: string;
  /** What bounds the figures by construction: they are never shown without it. */
  readonly caps: string;
  /** Broker and workload → number of messages → messages a second. */
  readonly rates: ByWorkload;
  readonly clientMicros: ByWorkload;
  readonly latencyMs: Readonly<Record<string, { readonly p50: number; readonly p99: number }>>;
}

type ByWorkload = Readonly<Record<string, Readonly<Record<string, number>>>>;

const FILE = join(import.meta.dirname, '..', '..', 'reference.json');

/** The reference bus's rows for the workloads of a section, `scenarios/nats-raw`: other runs on other machines, marked as such. */
export function referenceRows(sections: readonly string[]): Measured[] {
  const all: Record<string, Figures> = JSON.parse(readFileSync(FILE, 'utf8'));
  return sections.flatMap((section) =>
    Object.entries(all).flatMap(([kind, figures]) => rowOf(section, kind, figures) ?? []),
  );
}

function rowOf(section: string, kind: string, figures: Figures): Measured | undefined {
  const workload = section.replace('scenarios/', '').replace('-', '/');
  const repetition = ratesOf(figures, workload) ?? latencyOf(figures, workload);
  if (repetition === undefined) return undefined;
  const { title, source, date, machine, caps } = figures;
  const note = `${source}; ${date}; ${machine}. ${caps}`;
  return {
    id: `${section}/reference-${kind}`,
    title,
    by: 'reference',
    note,
    axis: 'messages',
    repetitions: [repetition],
    faults: [],
    findings: [],
  };
}

function ratesOf({ rates, clientMicros }: Figures, workload: string): Repetition | undefined {
  const byCount = rates[workload];
  if (byCount === undefined) return undefined;
  const points = Object.entries(byCount).map(([count, rate]): Point => ({
    x: Number(count),
    events: Number(count),
    seconds: Number(count) / rate,
    clientMicros: clientMicros[workload]?.[count],
    brokerMicros: undefined,
  }));
  const sum = (of: (point: Point) => number): number => points.reduce((total, point) => total + of(point), 0);
  const figures = { events: sum(({ events }) => events), seconds: sum(({ seconds }) => seconds) };
  return { ...figures, points, clientMicros: undefined, brokerMicros: undefined, faults: [] };
}

function latencyOf({ latencyMs }: Figures, workload: string): Repetition | undefined {
  const latency = latencyMs[workload];
  if (latency === undefined) return undefined;
  return {
    events: 1_000,
    seconds: 1,
    clientMicros: undefined,
    brokerMicros: undefined,
    latencyMs: latency,
    faults: [],
  };
}
