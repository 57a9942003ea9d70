import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { credentialsOf, secretsOf, serverAddresses } from '../../../../lib/transports/nats/credentials.js';
import { Redactor } from '../../../../lib/transports/nats/redactor.js';

describe('secrets', () => {
  it('are taken out of texts and errors, causes and stacks', () => {
    const redactor = new Redactor(['hunter22', '-----BEGIN-----\nSUAKVSFNTLKNTJDTSZ\n-----END-----', undefined]);
    const error = new Error('no hunter22', {
      cause: new TypeError('nats://joe:x@host SUAKVSFNTLKNTJDTSZ-----END-----'),
    });
    Object.assign(error, { code: 'E1', options: { pass: 'hunter22' } });
    const clean = redactor.error(error);

    expect(inspect(clean, { depth: 9, showHidden: true })).not.toMatch(/hunter22|joe:x/);
    expect(clean).toMatchObject({ name: 'Error', message: 'no ***', code: 'E1', cause: { name: 'TypeError' } });
    expect(redactor.error('hunter22 as text').message).toBe('*** as text');
  });

  it('are found in the options and in URLs', () => {
    const servers = ['nats://app:p%40ss@one:4222', 'two:4222'];
    expect(serverAddresses(servers)).toEqual(['nats://one:4222', 'two:4222']);
    expect(credentialsOf({ servers })).toEqual({ user: 'app', pass: 'p@ss' });
    expect(credentialsOf({ servers: 'tls://s3cr3t@one' })).toEqual({ token: 's3cr3t' });
    expect(credentialsOf({ servers, user: 'other' })).toEqual({ user: 'other' });
    expect(secretsOf({ servers })).toContain('p@ss');
    expect(new Redactor(secretsOf({ servers })).text('p@ss p%40ss')).toBe('*** ***');
  });
});
