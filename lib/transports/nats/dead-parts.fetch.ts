import type { JetStreamApi } from './jetstream-api.js';
import { type DeadLetterPart, partNumber, readDeadLetter, type WholeDeadLetter } from './dead-letter.reader.js';

/** How far before its last part a dead letter's others are looked for, in messages a part. */
const REACH = 100;

/**
 * Reads the parts before the last one back from the stream: they were published together, and are close together. Whoever is delivered the
 * last part does so; it does not matter to which instance the others went.
 * @throws DeadLetterPartsError, and what the API throws
 */
export async function fetchParts(
  api: JetStreamApi,
  stream: string,
  last: DeadLetterPart & { sequence: number },
): Promise<WholeDeadLetter> {
  const facts = partNumber(last.headers);
  const parts: DeadLetterPart[] = [last];
  const numbers = new Set([facts?.number]);
  const count = facts?.count ?? 1;
  const lowest = Math.max(1, last.sequence - count * REACH);

  for (let sequence = last.sequence - 1; sequence >= lowest && numbers.size < count; sequence--) {
    const part = await storedPart(api, stream, sequence);
    const one = part === undefined ? undefined : partNumber(part.headers);
    if (part === undefined || one?.of !== facts?.of) continue;
    numbers.add(one?.number);
    parts.push(part);
  }
  return readDeadLetter(parts);
}

async function storedPart(api: JetStreamApi, stream: string, sequence: number): Promise<DeadLetterPart | undefined> {
  const message = await api.ask((manager) => manager.streams.getMessage(stream, { seq: sequence }));
  return message === null ? undefined : { headers: message.header, body: message.data };
}
