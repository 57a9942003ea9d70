import type { Position } from '../transport/message.js';

/** A position as text: `2@1234` for a partition and its offset, `ORDERS@55` for a stream and its sequence. */
export function positionText(position: Position): string {
  return 'offset' in position ? `${position.partition}@${position.offset}` : `${position.stream}@${position.sequence}`;
}
