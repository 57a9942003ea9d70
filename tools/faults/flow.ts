import type { Socket } from 'node:net';

/** What happens to the bytes of one direction. */
export interface Conditions {
  /** Swallowed: they never arrive. */
  readonly isLost: boolean;
  /** Kept back until this ends, as by a network that is cut for less time than TCP tries again. */
  readonly isHeld: boolean;
  readonly latencyMs: number;
  /** At most so much on top of the latency, at random. Order is kept. */
  readonly jitterMs: number;
  /** `undefined` for as fast as it goes. */
  readonly bytesPerSecond: number | undefined;
}

export const CLEAR: Conditions = {
  isLost: false,
  isHeld: false,
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: undefined,
};

/** What became of a chunk, for the counts. */
export type ChunkFate = 'passed' | 'lost' | 'held' | 'delayed' | 'throttled';

export interface FlowOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly random: () => number;
  readonly onChunk: (fate: ChunkFate, bytes: number) => void;
}

/** A chunk on its way; without one, the end of the stream. */
interface Parcel {
  readonly chunk: Buffer | undefined;
  readonly dueAt: number;
}

/** What a slow link keeps on its way before it makes the sender wait. */
const THROTTLED_BYTES = 64 * 1024;
const DELAYED_BYTES = 16 * 1024 * 1024;

/** One direction of a connection: everything arrives in order, or not at all. */
export class Flow {
  /** In order, with ascending due times. */
  readonly #parcels: Parcel[] = [];
  readonly #options: FlowOptions;
  #conditions: Conditions;
  #waitingBytes = 0;
  /** When the last byte that was let through leaves a link of limited rate. */
  #linkFreeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasLost = false;

  constructor(options: FlowOptions, conditions: Conditions) {
    this.#options = options;
    this.#conditions = conditions;
    options.from.on('data', (chunk: Buffer) => this.#take(chunk));
    options.from.on('end', () => this.#end());
    options.to.on('drain', () => this.#resume());
    options.to.on('close', () => this.stop());
  }

  /** Whether the receiver has missed bytes, or the end: its stream has a hole, which no TCP connection ever has, and must not go on. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** Whether nothing arrives at present. */
  get isBlocked(): boolean {
    return this.#conditions.isLost || this.#conditions.isHeld;
  }

  /** From now on. What is waiting goes at once, in order, unless it is held. */
  set conditions(conditions: Conditions) {
    this.#conditions = conditions;
    if (conditions.isHeld) return;
    const now = performance.now();
    this.#linkFreeAt = now;
    const waiting = this.#parcels.splice(0);
    for (const { chunk } of waiting) this.#parcels.push({ chunk, dueAt: now });
    this.#pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#parcels.length = 0;
  }

  #take(chunk: Buffer): void {
    const { isLost, isHeld, latencyMs, jitterMs, bytesPerSecond } = this.#conditions;
    if (isLost) {
      this.#hasLost = true;
      this.#options.onChunk('lost', chunk.length);
      return;
    }
    const isDelayed = latencyMs > 0 || jitterMs > 0;
    const fate = isHeld ? 'held' : bytesPerSecond !== undefined ? 'throttled' : isDelayed ? 'delayed' : 'passed';
    this.#options.onChunk(fate, chunk.length);
    if (fate === 'passed' && this.#parcels.length === 0) return this.#write(chunk);
    for (const part of partsOf(chunk, bytesPerSecond)) this.#enqueue(part, part.length);
  }

  #end(): void {
    if (this.#conditions.isLost) this.#hasLost = true;
    else if (this.#parcels.length > 0 || this.#conditions.isHeld) this.#enqueue(undefined, 0);
    else this.#options.to.end();
  }

  #enqueue(chunk: Buffer | undefined, bytes: number): void {
    const { isHeld, latencyMs, jitterMs, bytesPerSecond } = this.#conditions;
    const now = performance.now();
    const arrivesAt = now + latencyMs + jitterMs * this.#options.random();
    if (bytesPerSecond !== undefined) {
      this.#linkFreeAt = Math.max(this.#linkFreeAt, now) + (bytes / bytesPerSecond) * 1_000;
    }
    const before = this.#parcels.at(-1)?.dueAt ?? 0;
    const dueAt = isHeld ? Infinity : Math.max(before, arrivesAt, this.#linkFreeAt);
    this.#parcels.push({ chunk, dueAt });
    this.#waitingBytes += bytes;
    const mostBytes = bytesPerSecond === undefined ? DELAYED_BYTES : THROTTLED_BYTES;
    if (this.#waitingBytes > mostBytes) this.#options.from.pause();
    if (this.#parcels.length === 1) this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    for (let next = this.#parcels[0]; next !== undefined && next.dueAt <= now; next = this.#parcels[0]) {
      this.#parcels.shift();
      this.#waitingBytes -= next.chunk?.length ?? 0;
      if (next.chunk === undefined) this.#options.to.end();
      else this.#write(next.chunk);
    }
    this.#resume();
    const next = this.#parcels[0];
    if (next === undefined || next.dueAt === Infinity) return;
    this.#timer = setTimeout(() => this.#pump(), Math.ceil(next.dueAt - now));
  }

  #write(chunk: Buffer): void {
    if (this.#options.to.writable && !this.#options.to.write(chunk)) this.#options.from.pause();
  }

  #resume(): void {
    if (this.#waitingBytes <= THROTTLED_BYTES && !this.#options.to.writableNeedDrain) this.#options.from.resume();
  }
}

/** A tenth of a second's worth each, so that a slow link trickles instead of arriving in lumps. */
function partsOf(chunk: Buffer, bytesPerSecond: number | undefined): Buffer[] {
  if (bytesPerSecond === undefined) return [chunk];
  const size = Math.max(1, Math.floor(bytesPerSecond / 10));
  const parts: Buffer[] = [];
  for (let at = 0; at < chunk.length; at += size) parts.push(chunk.subarray(at, at + size));
  return parts;
}
