import { readFileSync } from 'node:fs';

/** What vitest's JSON reporter says of a test file. */
export interface FileResult {
  /** Its path. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
}

export interface Report {
  readonly success: boolean;
  readonly testResults: readonly FileResult[];
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @throws Error when it is not there or is no JSON */
export function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

/** Files of which a test, or the file itself, did not pass. */
export function failedFiles({ testResults }: Report): string[] {
  return testResults.filter(({ status }) => status !== 'passed').map(({ name }) => name);
}

/** The first report with the results of the second in place of its own, file by file. A run that failed beside its files stays failed. */
export function withAgain(first: Report, again: Report): Report {
  const anew = new Map(again.testResults.map((result) => [result.name, result]));
  const wasOnlyFiles = first.success || failedFiles(first).length > 0;
  return {
    success: wasOnlyFiles && again.success,
    testResults: first.testResults.map((result) => anew.get(result.name) ?? result),
  };
}

/** Names of tests that failed in a report, with their file. */
export function failedTests({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${name}: ${fullName}`),
  );
}

export function countsOf(reports: readonly Report[]): Counts {
  const statuses = reports.flatMap(({ testResults }) =>
    testResults.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status)),
  );
  const passed = statuses.filter((status) => status === 'passed').length;
  const failed = statuses.filter((status) => status === 'failed').length;
  return { passed, failed, skipped: statuses.length - passed - failed };
}
