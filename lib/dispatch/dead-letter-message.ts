import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { asBuffer } from '../envelope/text.js';
import type { HeaderEntry, OutgoingMessage, ReceivedMessage } from '../transport/message.js';
import type { DeadLetter } from './dead-letter.js';
import { DEAD_HEADERS } from './dead-letter.headers.js';
import { deadTopic } from './dead-topic.js';
import { describeError } from './error-text.js';
import { escapeText } from './header-text.js';
import { packHeaders } from './original-headers.js';
import { positionJson, positionText } from './position-text.js';

/** Ids beyond this are replaced by their hash. In characters. */
const MOST_ID_CHARACTERS = 512;

const PRINTABLE = /^[!-~]+$/;

/**
 * A dead letter as it is stored: on `dead.<group>.<topic>`, under the id `<event id>:<group>:<handler>:<position>:dead`, with the bytes and
 * headers as they came and its history in `eb-dead-…` headers (see `DEAD_HEADERS`). The same dead letter always has the same id, so that a
 * broker that deduplicates stores it once; two events that were given one id have two. Never throws, whatever was received or thrown.
 */
export function deadLetterMessage(letter: DeadLetter): OutgoingMessage {
  const { delivery, group } = letter;
  const { message } = delivery;
  return {
    topic: deadTopic(group, message.topic),
    key: keyOf(letter),
    id: headerSafeId(idOf(letter)),
    body: message.body,
    headers: [...packHeaders(message.headers.entries()), ...historyOf(letter)],
    dead: true,
  };
}

/** By its place in the log, for ids are chosen by senders; one that could not be read has no other name. */
function idOf({ eventId, group, handler, delivery }: DeadLetter): string {
  const position = positionText(delivery.position);
  if (eventId === undefined) return `${delivery.message.topic}:${position}:${group}:${handler}:dead`;
  return `${eventId}:${group}:${handler}:${position}:dead`;
}

/** Ids become headers, and may come from anywhere. */
function headerSafeId(id: string): string {
  if (id.length <= MOST_ID_CHARACTERS && PRINTABLE.test(id)) return id;
  return `${createHash('sha256').update(id).digest('hex')}:dead`;
}

function keyOf({ key, delivery }: DeadLetter): string | undefined {
  if (key !== undefined) return key;
  const bytes = rawKey(delivery.message);
  return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function rawKey({ key }: ReceivedMessage): Buffer | undefined {
  return key === null || key === undefined || key.length === 0 ? undefined : asBuffer(key);
}

function historyOf(letter: DeadLetter): HeaderEntry[] {
  const { delivery, group, handler, eventId, eventType, attempts, time } = letter;
  const error = describeError(letter.error);
  const facts: readonly (readonly [string, string | undefined])[] = [
    [DEAD_HEADERS.topic, escapeText(delivery.message.topic)],
    [DEAD_HEADERS.group, escapeText(group)],
    [DEAD_HEADERS.handler, escapeText(handler)],
    [DEAD_HEADERS.eventId, eventId === undefined ? undefined : escapeText(eventId)],
    [DEAD_HEADERS.eventType, eventType === undefined ? undefined : escapeText(eventType)],
    ...keyHeaders(letter),
    [DEAD_HEADERS.position, escapeText(positionJson(delivery.position))],
    [DEAD_HEADERS.attempts, String(attempts)],
    [DEAD_HEADERS.errorClass, error.class],
    [DEAD_HEADERS.errorCode, error.code],
    [DEAD_HEADERS.errorMessage, error.message],
    [DEAD_HEADERS.errorStack, error.stack],
    [DEAD_HEADERS.time, new Date(time).toISOString()],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function keyHeaders(letter: DeadLetter): (readonly [string, string])[] {
  const text = keyOf(letter);
  if (text !== undefined) return [[DEAD_HEADERS.key, escapeText(text)]];
  const bytes = rawKey(letter.delivery.message);
  return bytes === undefined ? [] : [[DEAD_HEADERS.keyBytes, bytes.toString('base64')]];
}
