/** Some of an object's properties, none of them undefined. */
export type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is there and undefined, so that saying `undefined` and saying nothing are the same where defaults are filled in. */
export function defined<T extends object>(given: T | undefined): Present<T> {
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}
