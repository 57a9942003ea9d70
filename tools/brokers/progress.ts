/** Says what takes a while, on stderr, so that a JSON report on stdout stays whole. */
export function say(line: string): void {
  process.stderr.write(`[brokers] ${line}\n`);
}
