import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads process ids, one a line, the last one counting and an empty one meaning none. Its input ends when this process
 * does, however that happens: SIGKILL leaves no time for a handler here. Then it ends the broker and removes its folder.
 */
const SCRIPT = `
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -9 "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 30 ]; do tries=$((tries + 1)); sleep 0.1; done
fi
rm -rf "$1"
`;

/** Outlives this process for a moment, to leave no broker and no folder behind. */
export class Watchdog {
  readonly #shell: ChildProcess;

  /** @param folder removed when this process ends or `dismiss` is called */
  constructor(folder: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'broker-watchdog', folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell.unref();
    const input = this.#shell.stdin;
    if (input !== null && 'unref' in input && typeof input.unref === 'function') input.unref();
    input?.on('error', () => undefined);
  }

  /** The process to end with this one; `undefined` when it has ended by itself. */
  guard(pid: number | undefined): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** Resolves when the folder is gone. Call it once the guarded process has ended. */
  async dismiss(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.ref();
    const ended = new Promise((resolve) => this.#shell.once('exit', resolve));
    this.guard(undefined);
    this.#shell.stdin?.end();
    await ended;
  }
}
