import { nkeys } from '@nats-io/transport-node';

/** What a server with JWT authentication is set up with, and what its user shows. */
export interface JwtAccounts {
  /** Text for the server's configuration. */
  readonly config: string;
  /** Text of a creds file. */
  readonly creds: string;
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** An operator, an account with JetStream and a user, signed as nsc would sign them. */
export function makeJwtAccounts(): JwtAccounts {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const limits = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const operatorJwt = sign(operator, operator.getPublicKey(), {
    type: 'operator',
    version: 2,
    system_account: system.getPublicKey(),
  });
  const systemJwt = sign(operator, system.getPublicKey(), { type: 'account', version: 2, limits });
  const accountJwt = sign(operator, account.getPublicKey(), {
    type: 'account',
    version: 2,
    limits: { ...limits, ...storage },
  });
  const userJwt = sign(account, user.getPublicKey(), { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
  const seed = Buffer.from(user.getSeed()).toString();

  return {
    config: `
      operator: ${operatorJwt}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: { ${system.getPublicKey()}: ${systemJwt}, ${account.getPublicKey()}: ${accountJwt} }
    `,
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userJwt,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      seed,
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
}

function sign(issuer: KeyPair, subject: string, nats: object): string {
  const claims = {
    jti: subject,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name: 'test',
    sub: subject,
    nats,
  };
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
