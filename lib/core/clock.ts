/** Monotonic milliseconds; never wall time. Injected so that tests can move it. */
export type MonotonicClock = () => number;

export const monotonicNow: MonotonicClock = () => performance.now();
