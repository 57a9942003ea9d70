import { describe, expect, it } from 'vitest';
import { EventHandlerRegistry } from '../../../lib/handlers/handler.registry.js';
import type { HandlerRegistration } from '../../../lib/handlers/registration.js';
import { DEFAULT_RETRY_OPTIONS } from '../../../lib/handlers/retry-policy.js';

function handler(name: string, patterns: string[], change: Partial<HandlerRegistration> = {}): HandlerRegistration {
  return {
    name,
    patterns,
    group: 'billing',
    type: undefined,
    pool: 'keyed',
    retry: DEFAULT_RETRY_OPTIONS,
    timeoutMs: 1_000,
    onTimeout: 'wait',
    invoke: () => undefined,
    ...change,
  };
}

function registry(...handlers: HandlerRegistration[]): EventHandlerRegistry {
  return new EventHandlerRegistry(handlers, () => ({ delivery: 'at-least-once', startFrom: 'earliest' }));
}

function names(handlers: readonly HandlerRegistration[]): string[] {
  return handlers.map(({ name }) => name);
}

describe('EventHandlerRegistry', () => {
  it('finds every handler of a group whose patterns match the topic', () => {
    const found = registry(
      handler('exact', ['orders.placed']),
      handler('wild', ['orders.*', 'other']),
      handler('rest', ['orders.>']),
      handler('elsewhere', ['orders.placed'], { group: 'audit' }),
    );
    expect(names(found.match('billing', 'orders.placed', 'any'))).toEqual(['exact', 'wild', 'rest']);
    expect(names(found.match('audit', 'orders.placed', 'any'))).toEqual(['elsewhere']);
    expect(names(found.match('billing', 'orders.placed.late', 'any'))).toEqual(['rest']);
    expect(names(found.match('nobody', 'orders.placed', 'any'))).toEqual([]);
  });

  it('leaves dead letters to patterns that begin with them', () => {
    const found = registry(handler('all', ['>']), handler('dead', ['dead.>']));
    expect(names(found.match('billing', 'dead.billing.t', 'any'))).toEqual(['dead']);
  });

  it('routes by type, and says the same again', () => {
    const found = registry(handler('placed', ['t'], { type: 'placed' }), handler('any', ['t']));
    for (let i = 0; i < 2; i++) {
      expect(names(found.match('billing', 't', 'placed'))).toEqual(['placed', 'any']);
      expect(names(found.match('billing', 't', 'gone'))).toEqual(['any']);
    }
  });

  it('knows a topic though nobody wants the type', () => {
    const found = registry(handler('placed', ['t'], { type: 'placed' }));
    expect([found.hasTopic('billing', 't'), found.hasTopic('billing', 'u')]).toEqual([true, false]);
    expect(found.match('billing', 't', 'gone')).toEqual([]);
  });

  it('keeps its bound, and its answers, whatever comes from outside', () => {
    const found = registry(handler('placed', ['t.*'], { type: 'placed' }));
    for (let i = 0; i < 25_000; i++) found.match('billing', `t.${i}`, `type ${i}`);
    expect(names(found.match('billing', 't.1', 'placed'))).toEqual(['placed']);
    expect(names(found.match('billing', 't.1', 'x'.repeat(10_000)))).toEqual([]);
  });

  it('merges the patterns of a group, without those that others cover', () => {
    const found = registry(
      handler('a', ['orders.placed', 'orders.>', 'orders.*']),
      handler('b', ['orders.placed', '*.placed', 'dead.billing.t'], { pool: 'global' }),
      handler('c', ['orders.placed'], { group: 'audit', pool: 'global' }),
    );
    const rest = { delivery: 'at-least-once', startFrom: 'earliest' };
    expect(found.subscriptions()).toEqual([
      { group: 'billing', patterns: ['orders.>', '*.placed', 'dead.billing.t'], ordering: 'key', ...rest },
      { group: 'audit', patterns: ['orders.placed'], ordering: 'none', ...rest },
    ]);
  });
});
