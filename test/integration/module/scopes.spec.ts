import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Payload, type RequestContext } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { EventHandler } from 'nestjs-eventbus';
import { eventually } from '../../support/eventually.js';
import { startApplication } from './support/applications.js';

@Injectable()
class Seen {
  readonly calls: unknown[] = [];
  made = 0;
}

@Injectable({ scope: Scope.REQUEST })
class RequestScoped {
  readonly #own = [] as unknown[];

  constructor(
    readonly seen: Seen,
    @Inject(REQUEST) readonly request: RequestContext<{ id: string }>,
  ) {
    seen.made += 1;
  }

  @EventHandler('t')
  handle(@Payload() data: { id: string }): void {
    this.#own.push(data.id);
    this.seen.calls.push([this.#own.join(), this.request.data.id, this.request.pattern]);
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerEvent {
  static made = 0;
  readonly number = ++PerEvent.made;
}

@Injectable()
class DependsOnScoped {
  constructor(
    readonly seen: Seen,
    readonly perEvent: PerEvent,
  ) {}

  @EventHandler('t')
  handle(): void {
    this.seen.calls.push(this.perEvent instanceof PerEvent && this.perEvent.number > 0);
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Transient {
  readonly #own = [] as unknown[];

  constructor(readonly seen: Seen) {}

  @EventHandler('t')
  handle(@Payload() data: { id: string }): void {
    this.#own.push(data.id);
    this.seen.calls.push(this.#own.join());
  }
}

@Injectable()
class Base {
  constructor(readonly seen: Seen) {}

  @EventHandler('t')
  handle(): void {
    this.seen.calls.push(this.constructor.name);
  }
}

@Injectable()
class Derived extends Base {}

@Injectable()
class Silenced extends Base {
  override handle(): void {
    this.seen.calls.push('must not be called');
  }
}

@Injectable()
class Several {
  constructor(readonly seen: Seen) {}

  @EventHandler('a')
  @EventHandler(['b', 'c.*'], { group: 'other' })
  handle(data: unknown): void {
    this.seen.calls.push(data);
  }
}

describe('a handler', () => {
  it('is made anew for each event when it is request-scoped, with the event as its request', async () => {
    const { app, bus } = await startApplication({ providers: [Seen, RequestScoped] });
    for (const id of ['a', 'b']) await bus.publish('t', { id }, { key: 'one' });
    const seen = app.get(Seen);
    await eventually(() =>
      expect(seen.calls).toEqual([
        ['a', 'a', 't'],
        ['b', 'b', 't'],
      ]),
    );
    expect(seen.made).toBe(2);
  });

  it('is made anew for each event when something it injects is request-scoped', async () => {
    const { app, bus } = await startApplication({ providers: [Seen, PerEvent, DependsOnScoped] });
    await bus.publish('t', {});
    await eventually(() => expect(app.get(Seen).calls).toEqual([true]));
  });

  it('is made anew for each event when it is transient-scoped', async () => {
    const { app, bus } = await startApplication({ providers: [Seen, Transient] });
    for (const id of ['a', 'b']) await bus.publish('t', { id }, { key: 'one' });
    await eventually(() => expect(app.get(Seen).calls).toEqual(['a', 'b']));
  });

  it('is found when it is inherited, and not when it is overridden without the decorator', async () => {
    const { app, bus } = await startApplication({ providers: [Seen, Derived, Silenced] });
    await bus.publish('t', {});
    await eventually(() => expect(app.get(Seen).calls).toEqual(['Derived']));
    expect(bus.snapshot().totals.handled).toBe(1);
  });

  it('may have several decorators and several patterns', async () => {
    const { app, bus } = await startApplication({ providers: [Seen, Several] });
    for (const topic of ['a', 'b', 'c.d', 'c.d.e']) await bus.publish(topic, topic);
    await eventually(() => expect(new Set(app.get(Seen).calls)).toEqual(new Set(['a', 'b', 'c.d'])));
  });

  it('is found when a factory made it', async () => {
    const factory = { provide: 'ANYTHING', inject: [Seen], useFactory: async (seen: Seen) => new Derived(seen) };
    const { app, bus } = await startApplication({ providers: [Seen, factory] });
    await bus.publish('t', {});
    await eventually(() => expect(app.get(Seen).calls).toEqual(['Derived']));
  });

  it('is one handler when another token stands for it', async () => {
    const alias = { provide: 'ALIAS', useExisting: Derived };
    const { app, bus } = await startApplication({ providers: [Seen, Derived, alias] });
    await bus.publish('t', {});
    await bus.publish('t', {});
    await eventually(() => expect(app.get(Seen).calls).toEqual(['Derived', 'Derived']));
  });

  it('is found in a module below', async () => {
    @Module({ providers: [Seen, Derived], exports: [Seen] })
    class Below {}
    const { app, bus } = await startApplication({ imports: [Below] });
    await bus.publish('t', {});
    await eventually(() => expect(app.get(Seen).calls).toEqual(['Derived']));
  });
});
