import type { Scale } from './configuration.js';

/** When enough was published: for long enough, and enough of it to count; a machine that is busy has its patience limited. */
export type Enough = (sent: number) => boolean;

/** Longest a repetition sends, as a multiple of what it should. */
const PATIENCE = 5;

/** To be called when the clock starts. @param least events below which too little was measured */
export function pace({ publishMs, publishEvents }: Scale, share = 1): Enough {
  const from = performance.now();
  const least = publishEvents * share;
  return (sent) => {
    const elapsed = performance.now() - from;
    return (elapsed >= publishMs && sent >= least) || elapsed >= publishMs * PATIENCE;
  };
}
