import { MAX_BODY_BYTES } from './cases.large.js';
import { describeInput } from './support/describe-input.js';
import { memoryOutside } from './support/outside.js';
import { Subject } from './support/subject.js';

describeInput('memory', 'memory', 'default', async () => Subject.open(await memoryOutside()));
describeInput('memory', 'memory that takes 8 MB', 'raised', async () =>
  Subject.open(await memoryOutside(8_000_000), { maxBodyBytes: MAX_BODY_BYTES }),
);
