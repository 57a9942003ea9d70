import type { Position } from '../transport/message.js';

/** A position as text: `2@1234` for a partition and its offset, `ORDERS@55` for a stream and its sequence. */
export function positionText(position: Position): string {
  return 'offset' in position ? `${position.partition}@${position.offset}` : `${position.stream}@${position.sequence}`;
}

/** A position as JSON, its members in the same order always. */
export function positionJson(position: Position): string {
  if ('offset' in position) return JSON.stringify({ partition: position.partition, offset: position.offset });
  return JSON.stringify({ stream: position.stream, sequence: position.sequence });
}
