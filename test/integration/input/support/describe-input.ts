import { EventBusError } from 'nestjs-eventbus';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeadLetterHeaders } from '../../../../lib/dispatch/dead-letter.headers.js';
import { eventually } from '../../../support/eventually.js';
import { ROWS } from '../cases.js';
import {
  type Given,
  type InputRow,
  isOn,
  type PublishedCase,
  type RawInput,
  type ReceivedCase,
  verdictOf,
  type Where,
} from './case.js';
import type { HandledEvent, StoredLetter, Subject } from './subject.js';

const CASE_TIMEOUT_MS = 60_000;
const RANDOM_COUNT = 1_000;
/** Another one each day would find more, and fail for whoever is not at fault. */
const SEED = 20_260_304;

/** The rows of docs/input.md, case by case, on one broker, through one application that must live through all of them. */
export function describeInput(
  where: Where,
  name: string,
  limits: NonNullable<InputRow['limits']> | 'default',
  open: () => Promise<Subject>,
): void {
  describe(`bad and unusual input, on ${name}`, () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.close());

    for (const { row, limits: needed = 'default', ...cases } of ROWS) {
      const published = cases.published.filter((one) => isOn(one, where));
      const received = cases.received.filter((one) => isOn(one, where));
      if (needed !== limits || published.length + received.length === 0) continue;
      describe(row, () => {
        for (const one of published) {
          it(`published, ${one.name}: ${verdictOf(one.becomes)}`, () => assertPublished(subject, one), CASE_TIMEOUT_MS);
        }
        for (const one of received) {
          it(`received, ${one.name}: ${verdictOf(one.becomes)}`, () => assertReceived(subject, one), CASE_TIMEOUT_MS);
        }
      });
    }

    if (limits === 'default') {
      it(
        `delivers ${RANDOM_COUNT} random byte strings exactly that are published as bytes`,
        () => randomPublished(subject),
        2 * CASE_TIMEOUT_MS,
      );
      it(
        `handles or dead-letters each of ${RANDOM_COUNT} random byte strings that somebody sends`,
        () => randomReceived(subject),
        2 * CASE_TIMEOUT_MS,
      );
    }

    it('has polluted no prototype', () => {
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
      expect(Reflect.get(Object, 'polluted')).toBeUndefined();
    });
  });
}

async function assertPublished(subject: Subject, one: PublishedCase): Promise<void> {
  const { bus } = subject.test;
  const before = counts(subject);
  const options: object = { key: 'k', ...one.options };
  const topic = one.topic ?? subject.outside.topic;

  if (typeof one.becomes === 'string' && one.becomes.startsWith('EVENT_BUS_')) {
    await expect(codeOf(() => bus.publish(topic, one.data, options))).resolves.toBe(one.becomes);
    if (one.becomes !== 'EVENT_BUS_MESSAGE_TOO_LARGE') {
      const refusal = { accepted: false, reason: 'invalid', error: expect.objectContaining({ code: one.becomes }) };
      expect(bus.enqueue(topic, one.data, options)).toEqual(refusal);
    }
    await subject.handlesTheNext('k');
    expect(counts(subject)).toEqual(before);
    return;
  }

  await bus.publish(topic, one.data, options);
  await subject.handlesTheNext('key' in options && typeof options.key === 'string' ? options.key : undefined);
  if (one.becomes === 'dead letter') {
    const letter = await newLetter(subject, before);
    if (one.data instanceof Uint8Array) expectSameBytes(letter.body, one.data);
    return;
  }
  const handled = await newInput(subject, before);
  if (one.becomes === 'exact') expectGiven(handled, asPublished(one));
  else if (typeof one.becomes === 'object') expectGiven(handled, givenOf(one.becomes));
}

async function assertReceived(subject: Subject, { input, becomes }: ReceivedCase): Promise<void> {
  const before = counts(subject);
  await subject.outside.send(input);
  await subject.handlesTheNext(typeof input.key === 'string' ? input.key : 'k');

  if (becomes !== 'dead letter') return expectGiven(await newInput(subject, before), givenOf(becomes));
  const letter = await newLetter(subject, before);
  expectSameBytes(letter.body, Buffer.from(input.body ?? ''));
  const history = readDeadLetterHeaders(letter.headers);
  expect(history).toMatchObject({ topic: subject.outside.topic, group: subject.group, handler: 'none', attempts: 0 });
  expect(history?.error.code).toBe('EVENT_BUS_DECODE_FAILED');
  expectOriginalHeaders(history?.headers ?? [], input);
}

interface Counts {
  readonly inputs: number;
  readonly letters: number;
}

function counts(subject: Subject): Counts {
  return { inputs: subject.inputs.length, letters: subject.lettersStored };
}

/** Exactly one more was handled, and none dead-lettered. */
function newInput(subject: Subject, before: Counts): Promise<HandledEvent> {
  return eventually(
    () => {
      expect(counts(subject)).toEqual({ ...before, inputs: before.inputs + 1 });
      const handled = subject.inputs.at(-1);
      if (handled === undefined) throw new Error('There is none.');
      return handled;
    },
    { timeoutMs: 20_000 },
  );
}

/** Exactly one more was dead-lettered, and none handled. */
async function newLetter(subject: Subject, before: Counts): Promise<StoredLetter> {
  await eventually(() => expect(counts(subject)).toEqual({ ...before, letters: before.letters + 1 }), {
    timeoutMs: 20_000,
  });
  const letters = await subject.letters();
  expect(letters).toHaveLength(before.letters + 1);
  const letter = letters.at(-1);
  if (letter === undefined) throw new Error('There is none.');
  return letter;
}

function givenOf(becomes: { readonly exact: Given } | { readonly changed: Given }): Given {
  return 'exact' in becomes ? becomes.exact : becomes.changed;
}

function asPublished({ data, options }: PublishedCase): Given {
  const given: object = { data, key: 'k', headers: {}, ...options };
  return given;
}

function expectGiven(handled: HandledEvent, given: Given): void {
  if ('data' in given) expectSameData(handled.data, given.data);
  if ('key' in given) expect(handled.key).toBe(given.key);
  if (given.id !== undefined) expect(handled.id).toBe(given.id);
  if (given.type !== undefined) expect(handled.type).toBe(given.type);
  if (given.headers !== undefined) expect(entriesOf(handled.headers)).toEqual(entriesOf(given.headers));
  if (given.allOf !== undefined) {
    const [name, ...values] = given.allOf;
    const all = handled.rawHeaders.filter(([each]) => each === name).map(([, value]) => Buffer.from(value).toString());
    expect(all).toEqual(values);
  }
}

/** By entries, for an object cannot be compared by what is called `__proto__`. */
function entriesOf(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function expectSameData(got: unknown, wanted: unknown): void {
  if (!(wanted instanceof Uint8Array)) return expect(got).toEqual(wanted);
  expect(got).toBeInstanceOf(Buffer);
  if (got instanceof Uint8Array) expectSameBytes(got, wanted);
}

/** Without printing megabytes when they differ. */
function expectSameBytes(got: Uint8Array | null, wanted: Uint8Array): void {
  expect(got?.length).toBe(wanted.length);
  expect(Buffer.compare(got ?? Buffer.alloc(0), wanted)).toBe(0);
}

/** All that the sender gave is among the letter's headers, byte for byte. */
function expectOriginalHeaders(headers: readonly (readonly [string, string | Uint8Array])[], input: RawInput): void {
  const kept = headers.map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`);
  for (const [name, value] of input.headers ?? [])
    expect(kept).toContain(`${name}=${Buffer.from(value).toString('hex')}`);
  for (const value of Object.values(input.attributes ?? {})) {
    expect(kept.some((one) => one.endsWith(`=${Buffer.from(value).toString('hex')}`))).toBe(true);
  }
}

/** The code a publish is refused with, at whatever depth it is said. */
async function codeOf(publish: () => Promise<unknown>): Promise<string> {
  try {
    await publish();
    return 'resolved';
  } catch (error) {
    if (!(error instanceof EventBusError)) throw error;
    return error.cause instanceof EventBusError ? error.cause.code : error.code;
  }
}

/** Every kind of bytes, each only once. */
function randomBodies(): Uint8Array[] {
  const bytes = fc.uint8Array({ maxLength: 400 });
  const text = fc.string({ unit: 'binary', maxLength: 200 }).map((one) => Uint8Array.from(Buffer.from(one)));
  const json = fc.json().map((one) => Uint8Array.from(Buffer.from(one)));
  const cut = fc.tuple(fc.json(), fc.nat(40)).map(([one, at]) => Uint8Array.from(Buffer.from(one.slice(0, at))));
  const any = fc.oneof({ arbitrary: bytes, weight: 4 }, text, json, cut);
  const unique = fc.uniqueArray(any, {
    minLength: RANDOM_COUNT,
    maxLength: RANDOM_COUNT,
    selector: hexOf,
    size: 'max',
  });
  const [bodies = []] = fc.sample(unique, { numRuns: 1, seed: SEED });
  expect(bodies).toHaveLength(RANDOM_COUNT);
  return bodies;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

async function randomPublished(subject: Subject): Promise<void> {
  const { bus } = subject.test;
  const bodies = randomBodies();
  const before = subject.inputs.length;
  await Promise.all(bodies.map((body, n) => bus.publish(subject.outside.topic, body, { key: `k${n % 50}` })));
  await subject.handlesTheNext('k0');

  await eventually(() => expect(subject.inputs.length - before).toBe(RANDOM_COUNT), { timeoutMs: 30_000 });
  const got = subject.inputs.slice(before).map(({ data }) => (data instanceof Uint8Array ? hexOf(data) : 'no bytes'));
  expect(got.toSorted()).toEqual(bodies.map(hexOf).toSorted());
}

async function randomReceived(subject: Subject): Promise<void> {
  const bodies = randomBodies();
  const before = counts(subject);
  const wanted = bodies.map(parsed);
  const good = wanted.filter((one) => one !== undefined).map(({ json }) => json);
  const bad = bodies.filter((_, index) => wanted[index] === undefined).map(hexOf);
  await Promise.all(bodies.map((body, n) => subject.outside.send({ key: `k${n % 50}`, body })));
  await subject.handlesTheNext('k0');

  await eventually(
    () =>
      expect(counts(subject)).toEqual({ inputs: before.inputs + good.length, letters: before.letters + bad.length }),
    { timeoutMs: 60_000 },
  );
  const letters = await subject.letters();
  expect(
    letters
      .slice(before.letters)
      .map(({ body }) => hexOf(body ?? new Uint8Array()))
      .toSorted(),
  ).toEqual(bad.toSorted());
  const handled = subject.inputs.slice(before.inputs).map(({ data }) => JSON.stringify(data));
  expect(handled.toSorted()).toEqual(good.toSorted());
}

/** What bytes say, if they are JSON that harms nobody. */
function parsed(body: Uint8Array): { readonly json: string } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    const value: unknown = JSON.parse(text);
    return /"(__proto__|constructor)"/.test(text) ? undefined : { json: JSON.stringify(value) };
  } catch {
    return undefined;
  }
}
