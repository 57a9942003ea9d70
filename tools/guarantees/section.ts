import { type Course, type Figure, type Part, type Results, type Row } from './results.js';

export const BEGIN = '<!-- results: npm run guarantees -->';
export const END = '<!-- /results -->';

/** The order in which parts stand in the page. */
export const PARTS = [
  'crash',
  'cuts',
  'server',
  'group',
  'kafka',
  'chaos-nats',
  'chaos-kafka',
  'soak-nats',
  'soak-kafka',
] as const;

/** The page with the last results between its markers. @throws Error for a page without markers */
export function withResults(page: string, results: Results): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${sectionOf(results)}\n\n${page.slice(end)}`;
}

/** What stands there, without the alignment that prettier gives it. */
export function sectionOf(results: Results): string {
  const parts = PARTS.flatMap((name) => (results[name] === undefined ? [] : [results[name]]));
  const machines = [...new Set(parts.map(({ machine }) => machine))];
  return [
    `On ${machines.join('; ')}; broker, publisher and instances share it.`,
    runTable(parts),
    '![how long a partition waits for its next owner, and shares for their balance](guarantees-times.svg)',
    figureTable(parts.flatMap(({ figures = [] }) => figures)),
    courseTable(parts.flatMap(({ courses = [] }) => courses)),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function runTable(parts: readonly Part[]): string {
  const rows = parts.flatMap((part) => part.rows.map((row) => runLine(part, row)));
  return table(
    [
      'run',
      'broker',
      'date, library',
      'runs',
      'events',
      'lost',
      'out of order',
      'at once',
      '(excused)',
      'twice',
      'stalls',
      '',
    ],
    rows,
  );
}

function runLine({ at, library }: Part, row: Row): (string | number)[] {
  const { kind, what, on, runs, events, lost, outOfOrder, overlaps, excused, twice, stalls, more, broken } = row;
  const name = kind === 'control' ? `_control_: ${what}` : what;
  const said = [more, ...broken.map((text) => `**${text}**`)].filter(Boolean).join('; ');
  const date = `${at.slice(0, 10)}, ${library}`;
  return [name, on, date, runs, events, lost, outOfOrder, overlaps, excused, twice, stalls, said];
}

function figureTable(figures: readonly Figure[]): string {
  const measured = figures.filter(({ values }) => values.length > 0);
  const rows = measured.map(({ what, on, after, unit, values }) => {
    const sorted = values.toSorted((one, other) => one - other);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    const text = (value: number): string => (unit === 'ms' ? `${rounded(value)} ms` : String(value));
    return [what, after ?? '', on, values.length, text(at(0.5)), text(at(0.9)), text(at(1))];
  });
  return table(['measured', 'after', 'broker', 'n', 'p50', 'p90', 'max'], rows);
}

function courseTable(courses: readonly Course[]): string {
  if (courses.length === 0) return '';
  const text = (measure: string, value: number): string =>
    measure === 'heapBytes' ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(Math.round(value));
  const rows = courses.map(({ on, instance, measure, samples, early, late, most }) => [
    on,
    `${instance}: ${measure === 'heapBytes' ? 'heap' : measure}`,
    samples,
    text(measure, early),
    text(measure, late),
    text(measure, most),
  ]);
  return table(['soak', 'spared instance', 'samples', 'early', 'late', 'may be'], rows);
}

function rounded(value: number): number {
  return value < 100 ? Math.round(value * 10) / 10 : Math.round(value);
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
