import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** How a command that ended well ended. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and for how long a command runs. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** @default 300_000 */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end, without a shell.
 * @throws Error with the program's output, shortened, when it fails, is missing or takes longer than `timeoutMs`
 */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const { cwd, env = process.env, timeoutMs = 300_000 } = options;

  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      { cwd, env, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ stdout, stderr });
        const said = shortened(`${stdout}\n${stderr}`.trim()) || error.message;
        reject(new Error(`"${command} ${args.join(' ')}" failed: ${said}`, { cause: error }));
      },
    );
  });
}

/** The first and the last lines: a stack trace has its reason at the top, a log at the bottom. */
function shortened(output: string): string {
  const lines = output.split('\n');
  return lines.length <= 20 ? output : [...lines.slice(0, 8), '…', ...lines.slice(-8)].join('\n');
}

/** The full path of a program, or `undefined` when PATH has none of that name. */
export async function which(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
