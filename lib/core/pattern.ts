import { InvalidTopicError } from './errors.js';

/** Longest topic any transport takes: Kafka's limit. */
export const MAX_TOPIC_LENGTH = 249;

const TOKEN = /^[A-Za-z0-9_-]+$/;
const GROUP = /^[A-Za-z0-9._-]{1,100}$/;

/**
 * Checks a topic: dotted tokens of letters, digits, `_` and `-`, at most 249 characters, valid on every transport.
 * @throws InvalidTopicError
 */
export function assertTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== 'string') throw new InvalidTopicError(String(topic), 'it must be a string');
  if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH) {
    throw new InvalidTopicError(topic, `it must have 1 to ${MAX_TOPIC_LENGTH} characters, it has ${topic.length}`);
  }
  for (const token of topic.split('.')) if (!TOKEN.test(token)) throw new InvalidTopicError(topic, tokenFault(token));
}

/**
 * Checks a pattern: a topic in which a token may be `*` (any one token), and the last one `>` (one or more tokens).
 * @throws InvalidTopicError
 */
export function assertPattern(pattern: unknown): asserts pattern is string {
  if (typeof pattern !== 'string') throw new InvalidTopicError(String(pattern), 'it must be a string');
  if (pattern.length === 0 || pattern.length > MAX_TOPIC_LENGTH) {
    throw new InvalidTopicError(pattern, `it must have 1 to ${MAX_TOPIC_LENGTH} characters, it has ${pattern.length}`);
  }
  const tokens = pattern.split('.');
  tokens.forEach((token, index) => {
    if (token === '*' || TOKEN.test(token)) return;
    if (token === '>' && index === tokens.length - 1) return;
    throw new InvalidTopicError(pattern, token === '>' ? '">" may only be the last token' : tokenFault(token));
  });
}

/** Whether a group name is legal on every transport. */
export function isGroupName(group: unknown): group is string {
  return typeof group === 'string' && GROUP.test(group);
}

/** Whether it has a wildcard. */
export function isWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.endsWith('>');
}

/** Whether it, or every topic it matches, is a dead-letter topic. */
export function isDeadTopic(topicOrPattern: string): boolean {
  return topicOrPattern.startsWith('dead.');
}

/**
 * Whether a pattern matches a topic. Patterns do not match `dead.…` topics unless they begin with `dead.` themselves.
 * Not for the hot path: registries cache its answer per topic.
 */
export function matchesPattern(pattern: string, topic: string): boolean {
  if (isDeadTopic(topic) && !isDeadTopic(pattern)) return false;
  if (pattern === topic) return true;
  const wanted = pattern.split('.');
  const given = topic.split('.');
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '>') return given.length > i;
    if (i >= given.length || (wanted[i] !== '*' && wanted[i] !== given[i])) return false;
  }
  return wanted.length === given.length;
}

/** Whether every topic that `narrow` matches is matched by `wide` too. */
export function coversPattern(wide: string, narrow: string): boolean {
  if (isDeadTopic(narrow) && !isDeadTopic(wide)) return false;
  const wideTokens = wide.split('.');
  const narrowTokens = narrow.split('.');
  for (const [i, token] of wideTokens.entries()) {
    const other = narrowTokens[i];
    if (other === undefined) return false;
    if (token === '>') return true;
    if (other === '>' || (token !== '*' && token !== other)) return false;
  }
  return wideTokens.length === narrowTokens.length;
}

function tokenFault(token: string): string {
  return token === ''
    ? 'it has an empty token'
    : `"${token.slice(0, 60)}" is not a token of letters, digits, "_" and "-"`;
}
