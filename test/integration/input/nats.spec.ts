import { natsServer, startNats } from '../../support/brokers.js';
import { MAX_BODY_BYTES } from './cases.large.js';
import { describeInput } from './support/describe-input.js';
import { natsOutside } from './support/outside.js';
import { Subject } from './support/subject.js';

const { url, version } = await natsServer();

describeInput('nats', `nats-server ${version}`, 'default', async () => Subject.open(await natsOutside(url)));

describeInput('nats', `nats-server ${version} that takes 8 MB`, 'raised', async () => {
  const server = await startNats({ config: 'max_payload: 8388608' });
  const outside = await natsOutside(server.url);
  const close = async (): Promise<void> => {
    await outside.close();
    await server.remove();
  };
  return Subject.open({ ...outside, close }, { maxBodyBytes: MAX_BODY_BYTES });
});
