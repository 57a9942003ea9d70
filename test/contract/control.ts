import { expect } from 'vitest';
import { transportContract } from '../../lib/testing/contract/transport-contract.js';
import type { ContractSubject } from '../../lib/testing/contract/subject.js';
import type { ConsumerPort, Transport, TransportContext, TransportFactory } from '../../lib/transport/transport.js';
import { MemoryEnvironment } from './memory.environment.js';

/** What a transport without one of its mechanisms does instead: the ports it is given, and the methods it has. */
export interface Mutation {
  readonly consumer?: (consumer: ConsumerPort) => Partial<ConsumerPort>;
  readonly context?: (context: TransportContext) => Partial<TransportContext>;
  readonly transport?: (transport: Transport, context: TransportContext) => Partial<Transport>;
}

export const MEMORY_CAPABILITIES: ContractSubject['capabilities'] = {
  deduplicates: true,
  tombstones: true,
  keys: true,
  credit: 'messages',
  headerValues: 'any',
  ownership: 'exclusive',
};

/** The memory broker under a transport that lacks something. */
export class MutantEnvironment extends MemoryEnvironment {
  constructor(private readonly mutation: Mutation) {
    super();
  }

  override transport(): TransportFactory {
    const factory = super.transport();
    return { ...factory, create: (context) => this.#create(factory, context) };
  }

  #create(factory: TransportFactory, context: TransportContext): Transport {
    const { mutation } = this;
    const changed = { ...context, ...mutation.context?.(context) };
    const consumer = { ...bound(context.consumer), ...mutation.consumer?.(context.consumer) };
    const inner = factory.create({ ...changed, consumer });
    const methods = mutation.transport?.(inner, context) ?? {};
    return new Proxy(inner, {
      get(target, name) {
        if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }
}

function bound(consumer: ConsumerPort): ConsumerPort {
  return {
    assigned: (source) => consumer.assigned(source),
    deliver: (delivery) => consumer.deliver(delivery),
    revoking: (source) => consumer.revoking(source),
    lost: (source) => consumer.lost(source),
  };
}

/** How each test of the suite ended, by its name as it was declared: undefined when it passed. */
export type Endings = ReadonlyMap<string, unknown>;

/** Runs tests of the suite by hand, at once, so that their failures can be looked at. @param wanted parts of their names; all tests without it */
export async function endings(subject: Partial<ContractSubject>, wanted?: readonly string[]): Promise<Endings> {
  const tests = new Map<string, () => Promise<void>>();
  const [before, after]: [(() => Promise<void>)[], (() => Promise<void>)[]] = [[], []];
  const runner = {
    expect,
    describe: (_: string, body: () => void): void => body(),
    it: (name: string, body: () => Promise<void>): void => void tests.set(name, body),
    beforeAll: (body: () => Promise<void>): void => void before.push(body),
    afterAll: (body: () => Promise<void>): void => void after.push(body),
  };
  transportContract(runner, {
    name: 'a mutant',
    capabilities: MEMORY_CAPABILITIES,
    createEnvironment: () => Promise.resolve(new MemoryEnvironment()),
    ...subject,
  });
  const chosen = [...tests].filter(([name]) => wanted?.some((part) => name.includes(part)) ?? true);

  for (const body of before) await body();
  const ended = await Promise.all(
    chosen.map(async ([name, body]): Promise<[string, unknown]> => [
      name,
      await body().catch((error: unknown) => error),
    ]),
  );
  for (const body of after) await body();
  return new Map(ended);
}
