const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A terminal's Ctrl-C may come twice: from the terminal, and passed on by npm. In milliseconds. */
const SAME_CTRL_C_MS = 250;

/** The first signal drains, which is Nest's part; somebody who sends a second one does not want to wait. */
export function exitOnSecondSignal(): void {
  let first: number | undefined;
  const onSignal = () => {
    first ??= performance.now();
    if (performance.now() - first > SAME_CTRL_C_MS) process.exit(1);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
}
