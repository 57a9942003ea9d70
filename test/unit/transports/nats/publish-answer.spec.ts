import { headers, type Msg } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { readPublishAnswer } from '../../../../lib/transports/nats/publish-answer.js';

/** As much of a message as an answer is read from. */
function answer(text: string): ReturnType<typeof readPublishAnswer> {
  const message: Pick<Msg, 'data' | 'headers'> = { data: Buffer.from(text) };
  return readPublishAnswer(message, 'orders.placed', 123);
}
const refusal = (code: number, description: string) =>
  answer(JSON.stringify({ type: 'x', error: { code: 400, err_code: code, description } }));

describe('the answer to a publish', () => {
  it.each([
    ['{"stream":"ORDERS", "seq":12}', 12, false],
    ['{"stream":"ORDERS","seq":12,"duplicate": true}', 12, true],
    ['{"stream":"ORDERS","domain":"hub","seq":9007199254740991}', 9_007_199_254_740_991, false],
    ['{"type":"io.nats.jetstream.api.v1.pub_ack_response","seq":3,"stream":"ORDERS"}', 3, false],
  ])('confirms %s', (text, sequence, duplicate) => {
    expect(answer(text)).toEqual({ stored: true, stream: 'ORDERS', sequence, duplicate });
  });

  it('is unsent when nobody stores it, or nobody leads', () => {
    expect(
      readPublishAnswer({ data: new Uint8Array(0), headers: headers(503, 'No Responders') }, 'orders.placed', 1),
    ).toMatchObject({ how: 'unsent', error: { code: 'EVENT_BUS_TOPIC_MISSING', retryable: true } });
    expect(refusal(10_008, 'JetStream system temporarily unavailable')).toMatchObject({
      how: 'unsent',
      error: { retryable: true },
    });
    expect(refusal(10_167, 'too many requests')).toMatchObject({ how: 'unsent' });
  });

  it('is a rejection when the server refuses it, and says whether that may pass', () => {
    expect(refusal(10_077, 'maximum messages exceeded')).toMatchObject({
      how: 'rejected',
      error: { code: 'EVENT_BUS_PUBLISH_REJECTED', retryable: true, natsCode: 10_077 },
    });
    expect(refusal(10_109, 'invalid operation on sealed stream')).toMatchObject({
      how: 'rejected',
      error: { retryable: false },
    });
    expect(refusal(10_054, 'message size exceeds maximum allowed')).toMatchObject({
      how: 'rejected',
      error: { code: 'EVENT_BUS_MESSAGE_TOO_LARGE' },
    });
  });

  it.each(['', '{', 'null', '[]', '5', '{"stream":"ORDERS"}', '{"stream":"ORDERS","seq":0}', '{"err":"x","error":{}}'])(
    'is none of JetStream when it is %j: any subscriber can reply',
    (text) => expect(answer(text)).toBeUndefined(),
  );
});
