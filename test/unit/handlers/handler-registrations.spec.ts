import { describe, expect, it } from 'vitest';
import type { EventHandlerOptions } from '../../../lib/handlers/event-handler.decorator.js';
import { createRegistrations, type DeclaredHandler } from '../../../lib/handlers/handler-registrations.js';
import { DEFAULT_RETRY_OPTIONS } from '../../../lib/handlers/retry-policy.js';

const DEFAULTS = {
  bus: 'default',
  group: 'billing',
  retry: DEFAULT_RETRY_OPTIONS,
  timeoutMs: 60_000,
  onTimeout: 'wait',
} as const;

function declared(
  methodName: string,
  patterns: string[],
  options: EventHandlerOptions = {},
  host = {},
): DeclaredHandler {
  return {
    className: 'Ledger',
    methodName,
    host,
    declaration: { bus: 'default', patterns, options },
    invoke: () => undefined,
  };
}

describe('registrations', () => {
  it('take from the bus what a decorator leaves out, and no more', () => {
    const [plain, special] = createRegistrations(
      [
        declared('one', ['a', 'a']),
        declared('two', ['b'], {
          group: 'audit',
          pool: 'global',
          retry: Object({ maxAttempts: 2, jitter: undefined }),
          timeoutMs: 5,
          type: 'x',
        }),
      ],
      DEFAULTS,
    );
    expect(plain).toMatchObject({
      name: 'Ledger.one',
      group: 'billing',
      patterns: ['a'],
      pool: 'keyed',
      type: undefined,
      retry: DEFAULT_RETRY_OPTIONS,
      timeoutMs: 60_000,
      onTimeout: 'wait',
    });
    expect(special).toMatchObject({
      group: 'audit',
      pool: 'global',
      type: 'x',
      retry: { ...DEFAULT_RETRY_OPTIONS, maxAttempts: 2 },
      timeoutMs: 5,
    });
  });

  it('have names of their own, also for classes of one name', () => {
    const found = createRegistrations(
      [declared('one', ['a']), declared('one', ['a']), declared('two', ['a'])],
      DEFAULTS,
    );
    expect(found.map(({ name }) => name)).toEqual(['Ledger.one', 'Ledger.one#2', 'Ledger.two']);
  });

  it('are refused when a class claims the same twice, and not when two classes do', () => {
    const host = {};
    const twice = [declared('one', ['a', 'b'], {}, host), declared('two', ['b'], { group: 'billing' }, host)];
    expect(() => createRegistrations(twice, DEFAULTS)).toThrow(
      'EVENT_BUS_INVALID_HANDLER: Ledger.one and Ledger.two both claim group "billing", pattern "b", type any',
    );
  });

  it('are refused with every fault', () => {
    const wrong = [declared('one', ['a..b', '>.a'], { group: ' ' }), declared('two', [])];
    const faults =
      /Ledger.one: .*"a..b".*; Ledger.one: .*">.a".*; Ledger.one: group " ".*; Ledger.two: it names no pattern/;
    expect(() => createRegistrations(wrong, DEFAULTS)).toThrow(faults);
  });

  it('need a group', () => {
    expect(() => createRegistrations([declared('one', ['a'])], { ...DEFAULTS, group: undefined })).toThrow(
      'Ledger.one: no group: give the bus "default" a `group`',
    );
  });
});
