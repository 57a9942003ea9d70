import { kafkaBroker } from '../../support/brokers.js';
import { MAX_BODY_BYTES } from './cases.large.js';
import { describeInput } from './support/describe-input.js';
import { kafkaOutside } from './support/outside.js';
import { Subject } from './support/subject.js';

const { brokers, version } = await kafkaBroker();

describeInput('kafka', `Kafka ${version}`, 'default', async () => Subject.open(await kafkaOutside(brokers)));
describeInput('kafka', `Kafka ${version}, a topic that takes 8 MB`, 'raised', async () =>
  Subject.open(await kafkaOutside(brokers, 8_000_000), { maxBodyBytes: MAX_BODY_BYTES }),
);
