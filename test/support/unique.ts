import { randomBytes } from 'node:crypto';

/** A name nobody else uses, legal as a topic's token, a stream, a durable and a group: `orders-3f9a1c0b2d4e`. */
export function unique(prefix = 'test'): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}
