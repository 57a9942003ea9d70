import type { Msg } from '@nats-io/transport-node';
import type { ConsumerState } from './consumer.state.js';
import type { PullLoop } from './pull-loop.js';
import { Reception } from './reception.js';
import { sendReply } from './replies.js';

/** What an arrival tells its consumer. */
export interface ArrivalsPort {
  /** @param at monotonic milliseconds */
  heard(at: number): void;
  /** A delivery went elsewhere, or was lost on the wire. */
  gap(): void;
  /** There may be something to ask for. */
  wake(): void;
}

/** What comes over the wire: counted to its pull, watched for gaps, and taken while it is ours. */
export class Arrivals {
  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly port: ArrivalsPort,
  ) {}

  take(message: Msg): void {
    const arrival = Reception.read(message);
    if (arrival === undefined) return;
    const { state } = this;
    const { source } = state;
    const { consumerSequence, streamSequence, pending } = arrival.facts;
    const isGap = consumerSequence !== state.lastSequence + 1;
    this.loop.pulls.arrived(arrival.raw.sizeBytes);
    state.lastSequence = consumerSequence;
    state.highestSequence = Math.max(state.highestSequence, streamSequence);
    if (source === undefined || !state.takesMessages) return sendReply(state.connection, arrival.raw.reply, 'nak');

    state.ownership.delivered(() => message.headers?.get('Nats-Pin-Id'));
    source.lag = pending;
    source.lastProgressAt = state.context.now();
    this.port.heard(source.lastProgressAt);
    if (isGap && state.ownership.ordered) this.port.gap();
    state.reception.take(arrival, source, state.phase !== 'running' || state.isPaused);
    this.port.wake(); // credit that was not looked at since is not told of when it comes back
  }
}
