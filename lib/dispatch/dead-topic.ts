import { createHash } from 'node:crypto';
import { MAX_TOPIC_LENGTH } from '../core/pattern.js';

const ILLEGAL_CHARACTERS = /[^A-Za-z0-9_-]/g;

/**
 * Where the dead letters of a group on a topic go: `dead.<group>.<topic>`. Always a legal topic: what makes it illegal or too long is replaced, and a hash
 * of the original put at the end, so that two topics never share one.
 */
export function deadTopic(group: string, topic: string): string {
  const plain = `dead.${group}.${topic}`;
  const legal = plain
    .split('.')
    .map((token) => token.replaceAll(ILLEGAL_CHARACTERS, '_') || '_')
    .join('.');
  if (legal === plain && plain.length <= MAX_TOPIC_LENGTH) return plain;

  const hash = createHash('sha256').update(plain).digest('hex').slice(0, 16);
  const kept = legal.slice(0, MAX_TOPIC_LENGTH - hash.length - 1);
  return `${kept.endsWith('.') ? `${kept.slice(0, -1)}_` : kept}-${hash}`;
}
