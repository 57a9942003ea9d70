import { Observable, throwError } from 'rxjs';

/** Not written as one word, for a linter cannot know that it is meant. */
const THEN = ['th', 'en'].join('');

/** One way in which a handler can fail, as its return value or by throwing. */
export interface WayToFail {
  readonly name: string;
  readonly fail: () => unknown;
}

const throwing = (name: string, make: () => unknown): WayToFail => ({
  name: `throws ${name}`,
  fail: () => {
    throw make();
  },
});

const rejecting = (name: string, make: () => unknown): WayToFail => ({
  name: `rejects with ${name}`,
  fail: async () => {
    await Promise.resolve();
    throw make();
  },
});

const THROWN: readonly (readonly [name: string, make: () => unknown])[] = [
  ['an error', () => new Error('the handler does not want it')],
  ['a text', () => 'the handler does not want it'],
  ['undefined', () => undefined],
  ['null', () => null],
  ['an object without a prototype', () => Object.create(null)],
  ['an object that refers to itself', itself],
  ['a symbol', () => Symbol('refused')],
  ['a BigInt', () => 7n],
  ['a function', () => () => 'refused'],
  ['an error whose message cannot be read', unreadable],
  ['an error that is its own cause', ownCause],
  ['an object that nobody may look at', revoked],
];

/** Every way to fail, each several times a second and never the process. */
export const WAYS_TO_FAIL: readonly WayToFail[] = [
  ...THROWN.map(([name, make]) => throwing(name, make)),
  ...THROWN.map(([name, make]) => rejecting(name, make)),
  { name: 'returns an Observable that fails', fail: () => throwError(() => new Error('refused')) },
  { name: 'returns an Observable that fails after a value', fail: failsAfterValue },
  { name: 'returns a thenable that throws', fail: badThenable },
  { name: 'returns a thenable that cannot be read', fail: unreadableThenable },
];

function itself(): object {
  const one: Record<string, unknown> = {};
  return Object.assign(one, { one });
}

function unreadable(): Error {
  return Object.defineProperty(new Error('hidden'), 'message', {
    get: () => {
      throw new Error('nobody reads this message');
    },
  });
}

function ownCause(): Error {
  const error = new Error('refused');
  return Object.assign(error, { cause: error });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function failsAfterValue(): Observable<number> {
  return new Observable((subscriber) => {
    subscriber.next(1);
    subscriber.error(new Error('refused'));
  });
}

function badThenable(): object {
  return withThen({
    value: () => {
      throw new Error('refused');
    },
  });
}

function unreadableThenable(): object {
  return withThen({
    get: () => {
      throw new Error('nobody reads this then');
    },
  });
}

function withThen(then: PropertyDescriptor): object {
  return Object.defineProperty({}, THEN, then);
}
