import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Verdict } from './case.js';

const PAGE = fileURLToPath(new URL('../../../../docs/input.md', import.meta.url));
const VERDICTS = /\*\*(exact|changed|dead letter)\*\*|error `(EVENT_BUS_[A-Z_]+)`/g;

/** A row of docs/input.md: its name, and the verdicts each cell speaks of. */
export interface DocumentedRow {
  readonly row: string;
  readonly published: readonly Verdict[];
  readonly nats: readonly Verdict[];
  readonly kafka: readonly Verdict[];
}

/** All rows of all tables of the page, in their order. */
export function documentedRows(page = readFileSync(PAGE, 'utf8')): DocumentedRow[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|\s*(?:input|-+)\s*\|/.test(line))
    .map((line) => {
      const [row = '', published = '', nats = '', kafka = ''] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim());
      const asNats = kafka === 'as NATS' ? nats : kafka;
      return { row, published: verdictsIn(published), nats: verdictsIn(nats), kafka: verdictsIn(asNats) };
    });
}

function verdictsIn(cell: string): Verdict[] {
  const found = [...cell.matchAll(VERDICTS)].map(([, word, code]) => (word ?? code ?? '') as Verdict);
  return [...new Set(found)].toSorted();
}
