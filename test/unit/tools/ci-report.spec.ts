import { describe, expect, it } from 'vitest';
import { countsOf, failedFiles, failedTests, type Report, withAgain } from '../../../tools/ci/report.js';

const file = (name: string, ...statuses: string[]): Report['testResults'][number] => ({
  name,
  status: statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status, n) => ({ fullName: `test ${n}`, status })),
});
const report = (...testResults: Report['testResults']): Report => ({
  success: testResults.every(({ status }) => status === 'passed'),
  testResults,
});

describe('the reports of a run', () => {
  const first = report(file('a', 'passed', 'failed'), file('b', 'passed', 'pending'));

  it('are counted test by test', () => {
    expect(countsOf([first, report(file('c', 'passed'))])).toEqual({ passed: 3, failed: 1, skipped: 1 });
  });

  it('name what failed', () => {
    expect(failedFiles(first)).toEqual(['a']);
    expect(failedTests(first)).toEqual(['a: test 1']);
  });

  it('take the place of a file that was run again, and of no other', () => {
    const merged = withAgain(first, report(file('a', 'passed', 'passed')));
    expect(merged.success).toBe(true);
    expect(countsOf([merged])).toEqual({ passed: 3, failed: 0, skipped: 1 });
  });

  it('stay failed when the file fails again, and when the run failed beside its files', () => {
    expect(withAgain(first, report(file('a', 'failed', 'passed')))).toMatchObject({ success: false });
    const failedBeside: Report = { ...report(file('b', 'passed')), success: false };
    expect(withAgain(failedBeside, report(file('b', 'passed')))).toMatchObject({ success: false });
  });
});
