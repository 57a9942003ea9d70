import { figureOf, type Measured, rateOf, type Results, sectionOf, type Verdict } from '../run/results.js';
import { charts, cpuChart } from './charts.js';
import { extrasOf, judgement, mustBe, reached, rounded } from './table.js';

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

function table(rows: readonly Measured[]): string {
  const body = rows.map((one) => {
    const rate = rateOf(one);
    const cells = [
      rounded(rate?.median),
      rounded(rate?.min),
      rounded(rate?.max),
      ...['clientMicros', 'brokerMicros', 'p50', 'p99'].map((name) => rounded(figureOf(one, name)?.median)),
      extrasOf(one),
    ];
    return `<tr class="${one.by}"><td>${escaped(one.title)}${remarks(one)}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<table><tr><th></th><th>events/s</th><th>min</th><th>max</th><th>client µs</th><th>broker µs</th><th>p50 ms</th><th>p99 ms</th><th>more</th></tr>${body.join('')}</table>`;
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
