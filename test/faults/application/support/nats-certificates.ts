import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';

const PASSWORD = 'store-password';

/** Puts a certificate that signs itself, and its key, where a server reads them; for 127.0.0.1. */
export function putCertificate(
  folder: string,
  age: 'good' | 'expired',
): { readonly cert: string; readonly key: string } {
  const [store, cert, key] = ['own.p12', 'cert.pem', 'key.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const fresh = `${store}.${age}.${Math.random()}`;
  const validity = age === 'expired' ? ['-startdate', '-3d', '-validity', '2'] : ['-validity', '2'];
  const into = ['-alias', 'own', '-keystore', fresh, '-storetype', 'PKCS12', '-storepass', PASSWORD];
  const name = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost'];
  const run = (command: string, args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' });
  run('keytool', ['-genkeypair', ...into, '-keyalg', 'EC', '-groupname', 'secp256r1', ...validity, ...name]);
  const out = ['pkcs12', '-in', fresh, '-nodes', '-passin', `pass:${PASSWORD}`];
  run('openssl', [...out, '-nokeys', '-out', `${cert}.new`]);
  run('openssl', [...out, '-nocerts', '-out', `${key}.new`]);
  renameSync(`${cert}.new`, cert);
  renameSync(`${key}.new`, key);
  return { cert, key };
}
