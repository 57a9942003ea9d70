import Table from 'cli-table3';
import type { ScenarioResult } from './result.js';

const MEBIBYTE = 1_048_576;

export function printTable(results: readonly ScenarioResult[]): void {
  const head = [
    'transport',
    'kind',
    'load',
    'sent',
    'received',
    'lost',
    'dup',
    'order',
    'msg/s',
    'enqueue/s',
    'p50 ms',
    'p99 ms',
    'max ms',
    'peak MiB',
    'left',
  ];
  const table = new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, i) => (i < 3 ? 'left' : 'right')),
  });
  for (const row of results) table.push(cells(row));
  console.log(table.toString());
}

function cells(row: ScenarioResult): (string | number)[] {
  const rate = row.spread
    ? `${row.throughputPerSecond} (${row.spread.min}-${row.spread.max})`
    : row.throughputPerSecond;
  const { p50, p99, max } = row.latencyMs;
  return [
    row.transport,
    row.kind,
    row.load,
    row.sent,
    row.received,
    row.lost,
    row.duplicates,
    row.orderViolations,
    rate,
    row.enqueueThroughputPerSecond,
    p50.toFixed(2),
    p99.toFixed(2),
    max.toFixed(1),
    Math.round(row.peakMemoryBytes / MEBIBYTE),
    row.handlesLeft,
  ];
}
