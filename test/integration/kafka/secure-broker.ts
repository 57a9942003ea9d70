import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KafkaServer, startKafka } from '../../support/brokers.js';

const keytool = promisify(execFile);
const STORE_PASSWORD = 'store-password';

export const SCRAM_USER = { username: 'alice', password: 'planted-scram-secret' };
export const PLAIN_USER = { username: 'bob', password: 'planted-plain-secret' };

/** A Kafka that takes nobody without TLS and a login. */
export interface SecureBroker {
  readonly kafka: KafkaServer;
  /** The certificates to trust, PEM: the one it has, and the one that has expired. */
  readonly ca: string;
  /** Another one, which vouches for nothing here. */
  readonly foreignCa: string;
  /** Starts it again with this certificate. */
  certify(which: 'good' | 'expired'): Promise<void>;
  remove(): Promise<void>;
}

export interface SecureBrokerOptions {
  /** Laid over what a secure broker has. */
  readonly properties?: Readonly<Record<string, string | number>>;
}

export async function startSecureBroker({ properties = {} }: SecureBrokerOptions = {}): Promise<SecureBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'eventbus-tls-'));
  const [own, foreignOne] = [await keyPair(folder, 'own'), await keyPair(folder, 'foreign')];
  const expired = await keyPair(folder, 'expired', ['-startdate', '-3d', '-validity', '2']);
  const [shown, trusted] = [join(folder, 'shown.p12'), join(folder, 'trusted.pem')];
  await copyFile(own.keystore, shown);
  await writeFile(trusted, own.certificate + expired.certificate);
  const { username, password } = SCRAM_USER;
  const kafka = await startKafka({
    formatArgs: [
      '--add-scram',
      `SCRAM-SHA-512=[name=${username},password=${password}]`,
      '--add-scram',
      `SCRAM-SHA-256=[name=${username},password=${password}]`,
    ],
    properties: ({ port, controllerPort }) => ({
      listeners: `SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `SASL_SSL://127.0.0.1:${port}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'inter.broker.listener.name': 'SASL_SSL',
      'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER',
      'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`,
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${PLAIN_USER.username}="${PLAIN_USER.password}";`,
      'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': shown,
      'ssl.keystore.password': STORE_PASSWORD,
      'ssl.key.password': STORE_PASSWORD,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': trusted,
      ...properties,
    }),
  });
  const remove = async (): Promise<void> => {
    await kafka.remove();
    await rm(folder, { recursive: true });
  };
  const certify: SecureBroker['certify'] = async (which) => {
    await copyFile((which === 'good' ? own : expired).keystore, shown);
    await kafka.restart();
  };
  const ca = own.certificate + expired.certificate;
  return { kafka, ca, foreignCa: foreignOne.certificate, certify, remove };
}

/** A token that a broker without a token server takes: signed by nobody. */
export function unsecuredToken(subject: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const parts = [{ alg: 'none' }, { sub: subject, iat: now, exp: now + 600 }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}

interface KeyPair {
  readonly keystore: string;
  /** What is in it, PEM. */
  readonly certificate: string;
}

async function keyPair(folder: string, name: string, validity = ['-validity', '2']): Promise<KeyPair> {
  const keystore = join(folder, `${name}.p12`);
  const pem = join(folder, `${name}.pem`);
  const store = ['-alias', 'broker', '-keystore', keystore, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD];
  await keytool('keytool', [
    '-genkeypair',
    ...store,
    '-keyalg',
    'RSA',
    ...validity,
    '-dname',
    'CN=localhost',
    '-ext',
    'san=ip:127.0.0.1,dns:localhost',
  ]);
  await keytool('keytool', ['-exportcert', '-rfc', ...store, '-file', pem]);
  return { keystore, certificate: await readFile(pem, 'utf8') };
}
