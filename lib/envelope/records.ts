/** Whether a value is an object whose properties may be looked at: not null. Arrays are. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** An empty record without a prototype: any name is only a name in it, `__proto__` too. */
export function bareRecord(): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  return record;
}

/** The one for those that have none: frozen, shared. */
export const EMPTY_RECORD: Readonly<Record<string, string>> = Object.freeze(bareRecord());
