import type { BusParts } from './event-bus.assembly.js';
import { ShutdownSteps } from './event-bus.shutdown-steps.js';

/** Share of the time that is kept for publishing when handlers take all they can. */
const PUBLISHING_SHARE = 0.2;

/** Longest time that is kept for closing connections when confirms take all they can, in milliseconds. */
const CLOSING_MS = 500;

/** How a bus stops: two phases, under one deadline that begins with the first. What fails is named and holds up nothing else. */
export class BusShutdown {
  #steps: ShutdownSteps | undefined;

  constructor(
    private readonly parts: BusParts,
    private readonly withinMs: number,
  ) {}

  /** The time begins to run, and from now on there is a line in the log for each handle that is closed. */
  begin(): ShutdownSteps {
    return (this.#steps ??= new ShutdownSteps(this.parts.logger, this.parts.handles, this.withinMs));
  }

  /** Nothing new comes in; what is in hand is handled and settled, or left at the deadline; sources are given up. */
  async consuming(): Promise<void> {
    const { transport, dispatcher } = this.parts;
    const steps = this.begin();
    const reserve = this.withinMs * PUBLISHING_SHARE;
    await steps.run('stopping to fetch', () => transport.stopFetching(), reserve);
    await steps.run('draining', () => dispatcher.drain(steps.leftMs(reserve)));
    await steps.run('closing the consumers', () => transport.closeConsumers(), reserve / 2);
  }

  /** What is being published ends; then everything is closed, and what could not be is named. */
  async publishing(): Promise<void> {
    const { transport, dispatcher, pools, publisher } = this.parts;
    const steps = this.begin();
    const reserve = Math.min(CLOSING_MS, this.withinMs * PUBLISHING_SHARE);
    await steps.run('waiting for confirms', () => publisher.close(steps.leftMs(reserve)));
    await steps.run('closing the connection', () => transport.close());
    dispatcher.close();
    pools.global.close();
    pools.keyed.close();
    steps.report();
  }
}
