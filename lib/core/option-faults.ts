import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Every fault of a value by a schema, each `path must …, got …`; empty when there is none. */
export function optionFaults(schema: z.ZodType, value: unknown, root = ''): string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => describeIssue(issue, value, root));
}

/** A value as an error shows it: short, and never what may be a secret. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}

function describeIssue(issue: Issue, value: unknown, root: string): string[] {
  const path = [...(root === '' ? [] : [root]), ...issue.path.map(String)];
  const name = path.join('.') || 'options';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...path, key].join('.')} is not an option`);
  }
  return [`${name} must ${requirement(issue)}, got ${shown(valueAt(value, issue.path))}`];
}

function requirement(issue: Issue): string {
  if (issue.code === 'too_small') return `be at least ${issue.minimum}${lengthOf(issue.origin)}`;
  if (issue.code === 'too_big') return `be at most ${issue.maximum}${lengthOf(issue.origin)}`;
  if (issue.code === 'invalid_value') return `be one of ${issue.values.map(shown).join(', ')}`;
  if (issue.code === 'invalid_type') return `be ${typeName(issue.expected)}`;
  if (issue.code === 'custom' || issue.code === 'invalid_union') return issue.message;
  return `be valid (${issue.message})`;
}

function lengthOf(origin: string): string {
  return origin === 'string' ? ' characters long' : '';
}

function typeName(expected: string): string {
  if (expected === 'int') return 'an integer';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) => (typeof current === 'object' && current !== null ? Reflect.get(current, key) : undefined),
    value,
  );
}
