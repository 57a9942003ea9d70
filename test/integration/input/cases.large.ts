import { createHash } from 'node:crypto';
import type { InputRow } from './support/case.js';

/** The application's `maxBodyBytes` in these cases. */
export const MAX_BODY_BYTES = 6_000_000;

const FIVE_MB = 5_000_000;
const ROW = 'a 5 MB message';
const BYTES = 'application/octet-stream';

/** Bytes that nothing can compress or confuse, the same at every run. */
export function noise(size: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(size / 64) }, (_, index) =>
    createHash('sha512').update(String(index)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

const large = noise(FIVE_MB);
const largeText = 'ä'.repeat(FIVE_MB / 2);

/** Refused by brokers as they come, taken by brokers that were told to. */
export const LARGE: readonly InputRow[] = [
  {
    row: ROW,
    published: [
      { name: 'as bytes', data: large, becomes: 'EVENT_BUS_MESSAGE_TOO_LARGE' },
      { name: 'as JSON', data: { text: largeText }, becomes: 'EVENT_BUS_MESSAGE_TOO_LARGE' },
      { name: 'without a key', data: large, options: { key: undefined }, becomes: 'EVENT_BUS_MESSAGE_TOO_LARGE' },
    ],
    received: [],
  },
  {
    row: ROW,
    limits: 'raised',
    published: [
      { name: 'as bytes, where the broker takes it', data: large, becomes: 'exact' },
      { name: 'as JSON, where the broker takes it', data: { text: largeText }, becomes: 'exact' },
    ],
    received: [
      { name: 'as bytes', input: { body: large, contentType: BYTES }, becomes: { exact: { data: large } } },
      {
        name: 'as JSON',
        input: { body: `{"text":"${largeText}"}` },
        becomes: { exact: { data: { text: largeText } } },
      },
      { name: 'that is no JSON', input: { body: large }, becomes: 'dead letter' },
      {
        name: 'beyond maxBodyBytes',
        input: { body: `"${'x'.repeat(MAX_BODY_BYTES)}"` },
        becomes: 'dead letter',
      },
    ],
  },
];
