/** What kinds of long-lived resources the bus opens. */
export type HandleKind = 'connection' | 'consumer' | 'producer' | 'timer' | 'loop' | 'subscription' | 'pool';

/** One open resource, as health shows it. */
export interface HandleState {
  readonly kind: HandleKind;
  readonly name: string;
  /** How long it has been open, in milliseconds. */
  readonly ageMs: number;
}

/** A registered resource. `closed()` is to be called once, when the resource is really gone. */
export interface Handle {
  closed(): void;
}

/**
 * Every connection, consumer, timer and loop the bus has open. Who opens one registers it and says when it is closed; what is
 * still here after `close` is a leak, and is named.
 */
export class HandleRegister {
  /** Handle → what it is. A handle is here only while its resource is open. */
  readonly #open = new Map<Handle, { kind: HandleKind; name: string; since: number }>();

  /** Told of everything that is closed from now on. */
  #onClosed: ((state: HandleState) => void) | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Registers an open resource. @param name unique enough for a log line, without secrets */
  open(kind: HandleKind, name: string): Handle {
    const since = this.now();
    const handle: Handle = {
      closed: () => {
        if (this.#open.delete(handle)) this.#onClosed?.({ kind, name, ageMs: Math.round(this.now() - since) });
      },
    };
    this.#open.set(handle, { kind, name, since });
    return handle;
  }

  /** A registered interval: what most sweeps and watchdogs are. */
  interval(name: string, run: () => void, everyMs: number): Handle {
    const timer = setInterval(run, everyMs);
    const handle = this.open('timer', name);
    return {
      closed: () => {
        clearInterval(timer);
        handle.closed();
      },
    };
  }

  /** From now on the listener hears of everything that is closed: at shutdown each is a line in the log. */
  onClosed(listener: (state: HandleState) => void): void {
    this.#onClosed = listener;
  }

  get size(): number {
    return this.#open.size;
  }

  /** What is open now, oldest first. */
  list(): HandleState[] {
    const now = this.now();
    return [...this.#open.values()].map(({ kind, name, since }) => ({ kind, name, ageMs: Math.round(now - since) }));
  }
}
