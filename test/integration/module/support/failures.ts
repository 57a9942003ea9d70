import { afterEach, beforeEach } from 'vitest';
import { diagnostics, type RetryDiagnostic } from 'nestjs-eventbus';

/** Every attempt that failed in the running test and was followed by another. */
export function recordFailures(): readonly RetryDiagnostic[] {
  const failures: RetryDiagnostic[] = [];
  const record = (message: unknown) => {
    const [failure]: RetryDiagnostic[] = [Object(message)];
    if (failure) failures.push(failure);
  };
  beforeEach(() => {
    failures.length = 0;
    diagnostics.retry.subscribe(record);
  });
  afterEach(() => {
    diagnostics.retry.unsubscribe(record);
  });
  return failures;
}
