import { figureOf, type Measured, rateOf, type Results, sectionOf, type Verdict } from '../run/results.js';

const TITLES: Readonly<Record<string, string>> = {
  'nats/publish': 'NATS, publish to confirmed',
  'nats/consume': 'NATS, consume',
  'nats/pair': 'NATS, publish to handled, one process each side',
  'kafka/publish': 'Kafka, publish to confirmed',
  'kafka/consume': 'Kafka, consume',
  'kafka/pair': 'Kafka, publish to handled, one process each side',
};

/** The README's performance section: rates side by side, then every ratio with what it has to be. */
export function performanceSection(results: readonly Results[], plots: readonly string[]): string {
  const measured = results.flatMap((result) => result.measured);
  const tables = Object.entries(TITLES).flatMap(([section, title]) => {
    const rows = measured.filter((one) => sectionOf(one) === section && rateOf(one) !== undefined);
    return rows.length === 0 ? [] : [table([title, 'events/s', 'min to max', 'client CPU µs'], rows.map(rateRow))];
  });
  const verdicts = results.flatMap((result) => result.verdicts).filter(({ value }) => value !== undefined);
  return [
    '## Performance',
    'What is compared, how, and what each of the others does not guarantee stands in [docs/performance.md](docs/performance.md).',
    results.map(conditions).join('\n\n'),
    ...tables,
    table(['ratio in one run', 'reached', 'has to be', ''], verdicts.map(verdictRow)),
    plots.map((path) => `![rates](${path})`).join('\n'),
  ].join('\n\n');
}

function conditions({ date, machine, brokers }: Results): string {
  const { cpus, model, memoryGiB, node } = machine;
  return `Measured ${date} by \`npm run bench\` on ${cpus} cores (${model}, ${memoryGiB} GiB), Node ${node}, ${brokers.join(', ')}.`;
}

function rateRow(one: Measured): string[] {
  const { median, min, max } = rateOf(one) ?? { median: 0, min: 0, max: 0 };
  const micros = figureOf(one, 'clientMicros')?.median;
  const title = one.by === 'ours' ? `**${one.title}**` : one.title;
  const limits = [...(one.note === undefined ? [] : [one.note]), ...one.faults, ...one.findings].join('; ');
  const what = limits === '' ? title : `${title} (${limits})`;
  return [what, count(median), `${count(min)} to ${count(max)}`, micros === undefined ? '' : micros.toPrecision(3)];
}

function verdictRow({ what, value = Number.NaN, atLeast, atMost, isMet, counts, unless }: Verdict): string[] {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const met = isMet ? 'met' : '**not met**';
  return [
    what,
    value.toPrecision(3),
    bound,
    counts || unless === undefined ? met : `${met}; does not count: ${unless}`,
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
