import { connect, type Socket } from 'node:net';
import { type ChunkFate, CLEAR, type Conditions, Flow } from './flow.js';

/** Which way bytes go. */
export type Direction = 'to-broker' | 'to-client';

export const DIRECTIONS: readonly Direction[] = ['to-broker', 'to-client'];

/** An end of a connection. */
export type Side = 'client' | 'broker';

export interface LinkOptions {
  readonly client: Socket;
  /** The broker's port; without one nobody is behind the client. */
  readonly target: number | undefined;
  readonly conditions: Readonly<Record<Direction, Conditions>>;
  readonly random: () => number;
  readonly onChunk: (direction: Direction, fate: ChunkFate, bytes: number) => void;
  readonly onClose: () => void;
}

/** One client's connection and the one to the broker behind it. */
export class Link {
  readonly #client: Socket;
  readonly #broker: Socket | undefined;
  readonly #flows = new Map<Direction, Flow>();
  /** The side that has gone without the other hearing of it. */
  #gone: Side | undefined;

  constructor({ client, target, conditions, random, onChunk, onClose }: LinkOptions) {
    this.#client = client;
    client.on('error', () => undefined);
    client.on('close', () => {
      this.#tell('broker');
      if (this.#broker?.destroyed !== false) onClose();
    });
    if (target === undefined) {
      client.on('data', (chunk: Buffer) => onChunk('to-broker', 'lost', chunk.length));
      return;
    }
    const broker = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    this.#broker = broker;
    for (const direction of DIRECTIONS) {
      const [from, to] = direction === 'to-broker' ? [client, broker] : [broker, client];
      const counted = (fate: ChunkFate, bytes: number): void => onChunk(direction, fate, bytes);
      this.#flows.set(direction, new Flow({ from, to, random, onChunk: counted }, conditions[direction]));
    }
    broker.on('error', () => undefined);
    broker.on('close', () => {
      this.#tell('client');
      if (client.destroyed) onClose();
    });
  }

  /** Whether one of its ends has missed bytes, so that it must not go on. */
  get isDamaged(): boolean {
    return (
      this.#broker === undefined || this.#gone !== undefined || [...this.#flows.values()].some(({ hasLost }) => hasLost)
    );
  }

  set(direction: Direction, conditions: Conditions): void {
    const flow = this.#flows.get(direction);
    if (flow === undefined || this.#gone !== undefined) return;
    flow.conditions = conditions;
    this.#tell(direction === 'to-broker' ? 'broker' : 'client');
  }

  /** Ends both connections in good order: both ends read the end of the stream. */
  cut(): void {
    this.#client.destroySoon();
    this.#broker?.destroySoon();
  }

  /** Both ends get a reset. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#broker?.resetAndDestroy();
  }

  /** One side is reset; the other keeps its connection, and nobody answers there. */
  leave(side: Side): void {
    if (this.#broker === undefined || this.#gone !== undefined) return;
    for (const direction of DIRECTIONS) this.set(direction, { ...CLEAR, isLost: true });
    this.#gone = side;
    (side === 'client' ? this.#client : this.#broker).resetAndDestroy();
  }

  /** The next answer never arrives, and the client's connection is reset in its stead. */
  loseNextAnswer(onLost: () => void): void {
    this.set('to-client', { ...CLEAR, isLost: true });
    this.#broker?.once('data', () => {
      onLost();
      this.reset();
    });
  }

  onRequest(listener: (chunk: Buffer) => void): void {
    this.#client.prependListener('data', listener);
  }

  /** For good: both ends are released. */
  destroy(): void {
    for (const flow of this.#flows.values()) flow.stop();
    this.#client.destroy();
    this.#broker?.destroy();
  }

  /** When the other side has closed this one hears it, as soon as what would tell it arrives. */
  #tell(side: Side): void {
    const [socket, other] = side === 'client' ? [this.#client, this.#broker] : [this.#broker, this.#client];
    if (socket === undefined || socket.destroyed || other?.destroyed !== true || this.#gone !== undefined) return;
    if (this.#flows.get(side === 'client' ? 'to-client' : 'to-broker')?.isBlocked === true) return;
    if (other.errored === null) socket.destroySoon();
    else socket.resetAndDestroy();
  }
}
