import { failedFiles, readReport } from './report.js';

/** Prints the test files that did not pass, a line each: `tsx tools/ci/failed-files.ts REPORT.json`. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: failed-files.ts REPORT.json');
for (const name of failedFiles(readReport(file))) process.stdout.write(`${name}\n`);
