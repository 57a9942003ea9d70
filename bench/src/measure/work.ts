import { dataOf, type EventData } from './events.js';

/** Events whose handlers wait, as handlers do that ask others. */
export interface Load {
  readonly events: number;
  /** Keys, in turn. */
  readonly keys: number;
  /** How long each waits, in milliseconds; `random`: 0 to 5, each as likely, drawn by the event's number and the same in every run. */
  readonly workMs: number | 'random';
}

/** The data of such an event: it says itself how long its handler is to wait, so that everybody waits as long. */
export interface WorkData extends EventData {
  readonly workMs: number;
}

const RANDOM_MOST_MS = 5;
const SEED = 0x9e3779b9;

export function workDataOf(n: number, load: Load): WorkData {
  return { ...dataOf(n, { bytes: 88, keys: load.keys }), workMs: workMsOf(n, load) };
}

export function workMsOf(n: number, { workMs }: Load): number {
  return workMs === 'random' ? Math.floor(fractionOf(n) * (RANDOM_MOST_MS + 1)) : workMs;
}

/** What all handlers of a load wait together. */
export function totalWorkMsOf(load: Load): number {
  return lanesOf(load).reduce((sum, ms) => sum + ms, 0);
}

/** What the handlers of each key wait. */
export function lanesOf(load: Load): number[] {
  const lanes = Array.from({ length: load.keys }, () => 0);
  for (let n = 0; n < load.events; n++) lanes[n % load.keys]! += workMsOf(n, load);
  return lanes;
}

/** A number's own random number, from 0 to below 1: the finish of a 32-bit mix of it. */
function fractionOf(n: number): number {
  let bits = Math.imul(n + 1, SEED);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
