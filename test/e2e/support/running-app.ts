import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import type { BuiltProject } from './built-project.js';

/** What POST /orders takes. */
export interface OrderBody {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  readonly customerId: string;
  readonly amount: number;
}

/** What GET /orders/:id says. */
export interface OrderView {
  readonly status: string;
  readonly entries: readonly { readonly event: string; readonly attempt: number }[];
  readonly deadLetters: readonly string[];
}

export interface HealthView {
  readonly status: string;
  readonly details: { readonly eventBus: Readonly<Record<string, unknown>> };
}

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

export const order = (id: string, item = 'teapot'): OrderBody => ({
  id,
  item,
  quantity: 2,
  customerId: 'ada',
  amount: 50,
});

/** The sample app as a process of its own, spoken to over HTTP. */
export class RunningApp {
  #output = '';

  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  /** Resolves when its demonstration has ended and it takes requests. @param env beside PORT */
  static async start(project: BuiltProject, env: NodeJS.ProcessEnv = {}): Promise<RunningApp> {
    const port = await freePort();
    const child = spawn(process.execPath, ['sample-app/dist/main.js'], {
      cwd: project.folder,
      env: { ...process.env, NO_COLOR: '1', ...env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const app = new RunningApp(child, port);
    await app.says('a second Ctrl-C ends at once');
    return app;
  }

  get log(): string {
    return this.#output;
  }

  async says(text: string): Promise<void> {
    await eventually(
      () => {
        if (this.#hasEnded) throw new Error(`The app has ended: ${this.#output}`);
        if (!this.#output.includes(text)) throw new Error(`The app has not said "${text}" yet: ${this.#output}`);
      },
      { timeoutMs: 90_000 },
    );
  }

  place(body: unknown): Promise<Answer<{ readonly orderId?: string; readonly code?: string }>> {
    return this.#ask('orders', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  }

  find(id: string): Promise<Answer<OrderView>> {
    return this.#ask(`orders/${id}`);
  }

  health(which: 'health' | 'health/ready' | 'health/live' = 'health'): Promise<Answer<HealthView>> {
    return this.#ask(which);
  }

  /** What the ledger has written of an order, in the log's order. */
  bookings(id: string): string[] {
    return [...this.#output.matchAll(new RegExp(`order ${id}: (\\S+) \\(entry`, 'g'))].map(([, event]) => event ?? '');
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Resolves when it has ended, with its exit code; null when a signal killed it. */
  async ended(): Promise<number | null> {
    if (!this.#hasEnded) await once(this.process, 'close');
    return this.process.exitCode;
  }

  /** For cleaning up; whatever it is doing. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    this.process.kill('SIGKILL');
    await this.ended();
  }

  get #hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async #ask<Body>(path: string, init: RequestInit = {}): Promise<Answer<Body>> {
    const response = await fetch(`http://127.0.0.1:${this.port}/${path}`, {
      ...init,
      signal: AbortSignal.timeout(30_000),
    });
    const body: Body = JSON.parse(await response.text());
    return { status: response.status, body };
  }
}
