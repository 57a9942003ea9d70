import { readFileSync } from 'node:fs';
import { type Authenticator, credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import type { NatsConnectionOptions } from './nats.options.js';

/** Who we are, as the client takes it. */
export interface NatsCredentials {
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly authenticator?: Authenticator;
}

/** The servers without what their URLs held of credentials; the client ignores these, so that we take them out ourselves. */
export function serverAddresses(servers: string | readonly string[]): string[] {
  return [servers].flat().map((url) => url.replace(/^([a-z]+:\/\/)?[^/@]*@/i, '$1'));
}

/** What to authenticate with: the options, else what the first URL with credentials holds. */
export function credentialsOf(options: NatsConnectionOptions): NatsCredentials {
  const encoded = new TextEncoder();
  const { authenticator, nkeySeed, creds, credsFile, token, user, pass } = options;
  if (authenticator !== undefined) return { authenticator };
  if (nkeySeed !== undefined) return { authenticator: nkeyAuthenticator(encoded.encode(nkeySeed)) };
  if (creds !== undefined) return { authenticator: credsAuthenticator(encoded.encode(creds)) };
  if (credsFile !== undefined) return { authenticator: credsAuthenticator(() => readFileSync(credsFile)) };
  if (token !== undefined) return { token };
  if (user !== undefined) return pass === undefined ? { user } : { user, pass };
  return fromUrls(options.servers);
}

/** Everything that must never be seen, for the redactor. */
export function secretsOf(options: NatsConnectionOptions): (string | undefined)[] {
  const { pass, token, nkeySeed, creds, tls } = options;
  const inUrls = fromUrls(options.servers);
  const key = typeof tls === 'object' ? tls.key : undefined;
  const encoded = [inUrls.pass, inUrls.token].map((secret) =>
    secret === undefined ? undefined : encodeURIComponent(secret),
  );
  return [pass, token, nkeySeed, creds, key, inUrls.pass, inUrls.token, ...encoded];
}

function fromUrls(servers: string | readonly string[] | undefined): NatsCredentials {
  for (const url of [servers ?? []].flat()) {
    const given = /^(?:[a-z]+:\/\/)?([^/@]*)@/i.exec(url)?.[1];
    if (given === undefined) continue;
    const [user = '', pass] = given.split(':', 2).map((part) => decoded(part));
    return pass === undefined ? { token: user } : { user, pass };
  }
  return {};
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a plain "%" in it
  }
}
