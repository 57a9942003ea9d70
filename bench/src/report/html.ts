import type { Repetition } from '../measure/configuration.js';
import { figureOf, type Measured, type Results, sectionOf, type Verdict } from '../run/results.js';
import { charts, cpuChart } from './charts.js';
import { judgement, mustBe, reached, rounded } from './table.js';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ddd;padding:.25rem .6rem;text-align:right}
.ours td{font-weight:600}.ours small{font-weight:400}td:first-child,th:first-child{text-align:left}.no{background:#fdecea}.yes{background:#edf7ed}svg{max-width:100%;height:auto}`;

/** One self-contained page: what was measured, on what, and every ratio beside what it must be. */
export async function htmlReport(results: Results): Promise<string> {
  const { date, machine, brokers, measured, verdicts } = results;
  const bySection = await charts(results);
  const sections = [...bySection].map(([section, svg]) => {
    const rows = measured.filter((one) => sectionOf(one) === section);
    return `<h2>${escaped(section)}</h2>${svg}${table(rows)}`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>nestjs-eventbus benchmark, ${date.slice(0, 10)}</title><style>${STYLE}</style>
<h1>nestjs-eventbus benchmark</h1>
<p>${escaped(date)} · ${machine.cpus} × ${escaped(machine.model)}, ${machine.memoryGiB} GiB · Node ${machine.node} · ${escaped(brokers.join(', '))}.
Clients and broker share this machine. Medians of interleaved repetitions, each configuration in a process of its own; every repetition was judged: sent = confirmed = handled, order per key. What a peer does not promise, and what was found of it, stands below its name.</p>
<h2>Ratios</h2>${verdictTable(verdicts)}
${sections.join('\n')}
<h2>CPU</h2>${await cpuChart(measured)}
</html>
`;
}

const COLUMNS = ['rate', 'min', 'max', 'clientMicros', 'brokerMicros', 'p50', 'p90', 'p99', 'p999'];
const HEADS = ['events/s', 'min', 'max', 'client µs', 'broker µs', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms'];

function table(rows: readonly Measured[]): string {
  const names = [...new Set(rows.flatMap(({ repetitions: [first] }) => extrasOf(first)))];
  const heads = [...HEADS, ...names].map((head) => `<th>${escaped(head)}</th>`).join('');
  const body = rows.flatMap((one) => [rowOf(one, names), ...pointRows(one, names)]);
  return `<table><tr><th></th>${heads}</tr>${body.join('')}</table>`;
}

/** Names of what else was measured, of a repetition and its points. */
function extrasOf(repetition: Repetition | undefined): string[] {
  const all = [repetition?.extra, ...(repetition?.points ?? []).map(({ extra }) => extra)];
  return all.flatMap((extra) => Object.keys(extra ?? {}));
}

function rowOf(one: Measured, names: readonly string[]): string {
  return `<tr class="${one.by}"><td>${escaped(one.title)}${remarks(one)}</td>${cells(one, names, '')}</tr>`;
}

function pointRows(one: Measured, names: readonly string[]): string[] {
  return (one.repetitions[0]?.points ?? []).map(
    ({ x }) =>
      `<tr><td>&emsp;${x.toLocaleString('en')} ${escaped(one.axis ?? '')}</td>${cells(one, names, `@${x}`)}</tr>`,
  );
}

function cells(one: Measured, names: readonly string[], at: string): string {
  const isCurve = at === '' && one.repetitions[0]?.points !== undefined;
  const value = (name: string): number | undefined => {
    if (name === 'min' || name === 'max') return figureOf(one, `rate${at}`)?.[name];
    return figureOf(one, `${name}${at}`)?.median;
  };
  const shown = [...COLUMNS.map((name) => (isCurve ? undefined : value(name))), ...names.map(value)];
  return shown.map((figure) => `<td>${rounded(figure)}</td>`).join('');
}

function remarks({ note, findings, faults }: Measured): string {
  const lines = [...(note === undefined ? [] : [note]), ...findings.map((one) => `found: ${one}`), ...faults];
  return lines.map((line) => `<br><small>${escaped(line)}</small>`).join('');
}

function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => {
    const cells = [reached(verdict), mustBe(verdict), judgement(verdict)].map((cell) => `<td>${escaped(cell)}</td>`);
    return `<tr class="${verdict.isMet ? 'yes' : 'no'}"><td>${escaped(verdict.what)}</td>${cells.join('')}</tr>`;
  });
  return `<table><tr><th>ratio</th><th>reached</th><th>must be</th><th></th></tr>${rows.join('')}</table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
