import { Controller, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  EventHandler,
  InvalidHandlerError,
  memoryTransport,
  OnPublishResults,
  type TransportFactory,
} from 'nestjs-eventbus';
import { LogLines, newApplication, testModule } from './support/applications.js';

@Injectable()
class Twice {
  @EventHandler('orders.*', { type: 'placed' })
  one(): void {}

  @EventHandler(['a', 'orders.*'], { type: 'placed' })
  two(): void {}
}

@Injectable()
class TwiceOnOne {
  @EventHandler('a')
  @EventHandler('a')
  one(): void {}
}

@Injectable()
class OtherType {
  @EventHandler('a', { type: 'x' })
  one(): void {}

  @EventHandler('a', { type: 'y' })
  two(): void {}

  @EventHandler('a', { type: 'y', group: 'other' })
  three(): void {}
}

@Injectable()
class NoSuchBus {
  @EventHandler('a', { bus: 'adit' })
  one(): void {}
}

@Injectable()
class WrongPatterns {
  @EventHandler(['a..b', 'a.>.b', 'ä'])
  one(): void {}
}

@Injectable()
class WrongGroup {
  @EventHandler('a', { group: 'no spaces' })
  one(): void {}
}

@Injectable()
class WrongOptions {
  @EventHandler('a', { timeoutMs: 0, retry: { jitter: 2 }, poll: 'keyed' } as object)
  one(): void {}
}

@Injectable()
class NoGroup {
  @EventHandler('a')
  one(): void {}
}

@Controller()
class Both {
  @EventHandler('a')
  one(): void {}
}

@Injectable({ scope: Scope.REQUEST })
class ScopedResults {
  @OnPublishResults()
  results(): void {}
}

@Module({ providers: [NoGroup] })
class FirstModule {}

@Module({ providers: [NoGroup] })
class SecondModule {}

const durable: TransportFactory = { ...memoryTransport(), durable: true };

describe('a start fails', () => {
  it.each<[string, Type<unknown>, RegExp]>([
    [
      'for two methods of a class that claim the same',
      Twice,
      /Twice.one and Twice.two both claim group "default", pattern "orders.\*", type placed/,
    ],
    ['for one method that claims the same twice', TwiceOnOne, /TwiceOnOne.one and TwiceOnOne.one both claim/],
    [
      'for a bus that does not exist',
      NoSuchBus,
      /NoSuchBus.one names the bus "adit", which does not exist; there are: default/,
    ],
    ['for patterns, all of them', WrongPatterns, /"a..b" is not valid: .*"a.>.b" is not valid: .*"ä" is not valid/],
    ['for a group name', WrongGroup, /WrongGroup.one: group "no spaces" must be/],
    [
      'for options of a handler, all of them',
      WrongOptions,
      /retry.jitter must be at most 1, got 2; .*timeoutMs must be at least 1, got 0; .*poll is not an option/,
    ],
    [
      'for results wanted by a class that does not exist once',
      ScopedResults,
      /ScopedResults.results: @OnPublishResults needs/,
    ],
  ])('%s', async (_name, provider, message) => {
    const app = await newApplication({ providers: [provider] });
    const failure: unknown = await app.init().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidHandlerError);
    expect(String(failure)).toMatch(message);
  });

  it('for a class provided twice, naming both modules', async () => {
    const app = await newApplication({ imports: [FirstModule, SecondModule] });
    await expect(app.init()).rejects.toThrow(/NoGroup is provided twice, in FirstModule and in SecondModule/);
  });

  it('for a class that is provider and controller', async () => {
    const app = await newApplication({ providers: [Both], controllers: [Both] });
    await expect(app.init()).rejects.toThrow(/Both is provided twice/);
  });

  it('for handlers without a group on a durable transport', async () => {
    const app = await newApplication({ bus: { transport: durable }, providers: [NoGroup] });
    await expect(app.init()).rejects.toThrow(/NoGroup.one: no group: give the bus "default" a `group`/);
  });

  it('for faults that the transport finds in its options', async () => {
    const bus = { transport: memoryTransport({ partitions: 0 }), maxJsonDepth: 0 };
    await expect(testModule({ bus })).rejects.toThrow(/maxJsonDepth must be .*; transport.partitions must be .*got 0/);
  });

  it('and leaves nothing open', async () => {
    const logs = new LogLines();
    const app = await newApplication({ providers: [WrongGroup], logs });
    await expect(app.init()).rejects.toThrow(InvalidHandlerError);
    expect(logs.matching(/could not be closed/)).toEqual([]);
  });
});

describe('a start does not fail', () => {
  it('without a group on a durable transport when there is no handler', async () => {
    const app = await newApplication({ bus: { transport: durable } });
    await app.init();
  });

  it('for one class with handlers of different types and groups', async () => {
    const app = await newApplication({ providers: [OtherType] });
    await app.init();
  });
});
