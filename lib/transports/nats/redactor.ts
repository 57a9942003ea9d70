const MASK = '***';

/** Lines of a creds file or a PEM that are secrets by themselves. */
const LONG_LINE = 20;

/** Takes secrets out of whatever is about to be thrown, logged or shown. */
export class Redactor {
  /** Longest first, so that no part of a longer one stays. */
  readonly #secrets: readonly string[];

  constructor(secrets: readonly (string | undefined)[]) {
    const whole = secrets.flatMap((secret) => (secret !== undefined && secret.length > 3 ? [secret] : []));
    const lines = whole.flatMap((secret) => secret.split(/\s+/)).filter((line) => line.length >= LONG_LINE);
    this.#secrets = [...new Set([...whole, ...lines])].toSorted((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let clean = text.replaceAll(/\/\/[^/@\s]+@/g, `//${MASK}@`);
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, MASK);
    return clean;
  }

  /** A copy with the same name, code and stack, without secrets; properties a client may have put on it are left behind. */
  error(thrown: unknown): Error {
    if (!(thrown instanceof Error)) return new Error(this.text(String(thrown)));
    const clean = new Error(
      this.text(thrown.message),
      thrown.cause === undefined ? undefined : { cause: this.error(thrown.cause) },
    );
    clean.name = thrown.name;
    if (thrown.stack !== undefined) clean.stack = this.text(thrown.stack);
    const code: unknown = Reflect.get(thrown, 'code');
    return typeof code === 'string' || typeof code === 'number' ? Object.assign(clean, { code }) : clean;
  }
}
