/** What a server can do that not all do. */
export interface ServerFeatures {
  readonly version: string;
  /** Several filters per consumer: 2.10. */
  readonly manyFilters: boolean;
  /** One client at a time per consumer: 2.11. */
  readonly pinning: boolean;
}

/** Known by version, never by trying: an older server drops what it does not know without a word. */
export function featuresOf(version: string): ServerFeatures {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const atLeast = (wanted: number): boolean => major > 2 || (major === 2 && minor >= wanted);
  return { version, manyFilters: atLeast(10), pinning: atLeast(11) };
}
