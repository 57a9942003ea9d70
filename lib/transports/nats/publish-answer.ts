import type { Msg } from '@nats-io/transport-node';
import { EventBusError, MessageTooLargeError } from '../../core/errors.js';

/** What the server said to a publish. */
export type PublishAnswer =
  | { readonly stored: true; readonly stream: string; readonly sequence: number; readonly duplicate: boolean }
  | { readonly stored: false; readonly how: 'unsent' | 'rejected'; readonly error: EventBusError };

/** Nobody stores the subject right now: no stream, or none with a leader. */
export class NoStreamError extends EventBusError {
  constructor(topic: string) {
    super(
      'EVENT_BUS_TOPIC_MISSING',
      `No stream takes "${topic}" right now: none has this subject, or it has no leader.`,
      {
        retryable: true,
      },
    );
  }
}

/** The server refused it; `retryable` where room or calm may come back. */
export class PublishRejectedError extends EventBusError {
  /** JetStream's own error code. */
  readonly natsCode: number;

  constructor(topic: string, answer: JetStreamRefusal, retryable: boolean) {
    super('EVENT_BUS_PUBLISH_REJECTED', `JetStream refused "${topic}": ${answer.description} (${answer.err_code}).`, {
      retryable,
    });
    this.natsCode = answer.err_code;
  }
}

interface JetStreamRefusal {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** No leader, shutting down, too busy: certainly not stored, and worth sending again. */
const TRANSIENT = new Set([10_008, 10_009, 10_118, 10_167, 10_194]);
const MESSAGE_TOO_LARGE = new Set([10_054, 10_097]);
/** A limit is reached: room may come back. */
const FULL = /exceeded|insufficient|maximum/i;

const NO_RESPONDERS = 503;
const BEGIN = '{"stream":"';
const SEQUENCE = '"seq":';

/**
 * Reads an answer; the usual one without parsing JSON. Undefined for what is none of JetStream's: whoever else subscribes to the subject can
 * reply to it too.
 */
export function readPublishAnswer(
  message: Pick<Msg, 'data' | 'headers'>,
  topic: string,
  sizeBytes: number,
): PublishAnswer | undefined {
  const { data } = message;
  if (data.length === 0) {
    return message.headers?.code === NO_RESPONDERS
      ? { stored: false, how: 'unsent', error: new NoStreamError(topic) }
      : undefined;
  }
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  return readUsual(text) ?? readAny(text, topic, sizeBytes);
}

function readUsual(text: string): PublishAnswer | undefined {
  if (!text.startsWith(BEGIN)) return undefined;
  const end = text.indexOf('"', BEGIN.length);
  const at = text.indexOf(SEQUENCE, end);
  const sequence = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + SEQUENCE.length), 10);
  if (!(sequence > 0)) return undefined;
  return {
    stored: true,
    stream: text.slice(BEGIN.length, end),
    sequence,
    duplicate: text.includes('"duplicate":', at),
  };
}

function readAny(text: string, topic: string, sizeBytes: number): PublishAnswer | undefined {
  const { stream, seq, duplicate, error } = parsed(text) ?? {};
  if (typeof error?.err_code === 'number') return refusal(error, topic, sizeBytes);
  if (typeof stream !== 'string' || typeof seq !== 'number' || !(seq > 0)) return undefined;
  return { stored: true, stream, sequence: seq, duplicate: duplicate === true };
}

function refusal(error: JetStreamRefusal, topic: string, sizeBytes: number): PublishAnswer {
  if (TRANSIENT.has(error.err_code)) {
    return { stored: false, how: 'unsent', error: new PublishRejectedError(topic, error, true) };
  }
  if (MESSAGE_TOO_LARGE.has(error.err_code)) {
    return { stored: false, how: 'rejected', error: new MessageTooLargeError(topic, sizeBytes, undefined) };
  }
  return {
    stored: false,
    how: 'rejected',
    error: new PublishRejectedError(topic, error, FULL.test(error.description)),
  };
}

interface AnswerJson {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: JetStreamRefusal;
}

function parsed(text: string): AnswerJson | null {
  try {
    const answer: AnswerJson | null = JSON.parse(text);
    return answer;
  } catch {
    return null; // somebody else's reply
  }
}
