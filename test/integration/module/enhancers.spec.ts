import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import { EMPTY, type Observable, of, tap, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { EventContext, EventHandler } from 'nestjs-eventbus';
import { eventually } from '../../support/eventually.js';
import { QUICK, startApplication } from './support/applications.js';
import { recordFailures } from './support/failures.js';

/** What was called, in order. One per application. */
@Injectable()
class Trace {
  readonly calls: unknown[] = [];
}

@Injectable()
class TracingGuard implements CanActivate {
  constructor(private readonly trace: Trace) {}

  canActivate(context: ExecutionContext): boolean {
    const { id } = context.switchToRpc().getData<{ id: string }>();
    this.trace.calls.push(`guard ${context.getType()} ${context.getClass().name}.${context.getHandler().name} ${id}`);
    return true;
  }
}

@Injectable()
class TracingInterceptor implements NestInterceptor {
  constructor(private readonly trace: Trace) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.trace.calls.push(`before ${context.switchToRpc().getContext<EventContext>().topic}`);
    return next.handle().pipe(tap({ complete: () => this.trace.calls.push('after') }));
  }
}

@Injectable()
class TracingPipe implements PipeTransform {
  constructor(private readonly trace: Trace) {}

  transform(value: { id: string }): object {
    this.trace.calls.push(`pipe ${value.id}`);
    return { ...value, piped: true };
  }
}

@Catch()
class TracingFilter implements ExceptionFilter {
  constructor(private readonly trace: Trace) {}

  catch(error: unknown, host: ArgumentsHost): Observable<unknown> {
    this.trace.calls.push(`filter ${host.getType()} ${String(error)}`);
    return of(undefined);
  }
}

const FULL_PASS = ['guard rpc Handler.handle a', 'before t', 'pipe a', 'handler', 'after'];

@Injectable()
@UseGuards(TracingGuard)
@UsePipes(TracingPipe)
@UseInterceptors(TracingInterceptor)
@UseFilters(TracingFilter)
class ClassLevel {
  constructor(readonly trace: Trace) {}

  @EventHandler('t')
  handle(@Payload() data: { piped?: boolean; fails?: boolean }, @Ctx() event: EventContext): void {
    this.trace.calls.push('handler');
    expect([data.piped, event instanceof EventContext]).toEqual([true, true]);
    if (data.fails) throw new Error('handler failed');
  }
}
Object.defineProperty(ClassLevel, 'name', { value: 'Handler' });

@Injectable()
class MethodLevel {
  constructor(readonly trace: Trace) {}

  @EventHandler('t')
  @UseGuards(TracingGuard)
  @UsePipes(TracingPipe)
  @UseInterceptors(TracingInterceptor)
  @UseFilters(TracingFilter)
  handle(@Payload() data: { piped?: boolean; fails?: boolean }): void {
    this.trace.calls.push('handler');
    expect(data.piped).toBe(true);
    if (data.fails) throw new Error('handler failed');
  }
}
Object.defineProperty(MethodLevel, 'name', { value: 'Handler' });

@Controller()
@UseGuards(TracingGuard)
class ControllerLevel {
  constructor(readonly trace: Trace) {}

  @EventHandler('t')
  handle(): void {
    this.trace.calls.push('handler');
  }
}
Object.defineProperty(ControllerLevel, 'name', { value: 'Handler' });

@Injectable()
class Bare {
  constructor(readonly trace: Trace) {}

  @EventHandler('t')
  handle(data: { piped?: boolean; fails?: boolean }): void {
    this.trace.calls.push(`handler${data.piped ? ' piped' : ''}`);
    if (data.fails) throw new Error('handler failed');
  }
}
Object.defineProperty(Bare, 'name', { value: 'Handler' });

const GLOBAL = [
  { provide: APP_GUARD, useClass: TracingGuard },
  { provide: APP_PIPE, useClass: TracingPipe },
  { provide: APP_INTERCEPTOR, useClass: TracingInterceptor },
  { provide: APP_FILTER, useClass: TracingFilter },
];

const failures = recordFailures();

describe("Nest's enhancers around an event handler", () => {
  it.each([
    ['bound to the class', ClassLevel],
    ['bound to the method', MethodLevel],
  ])('run in order, %s', async (_level, type) => {
    const { app, bus } = await startApplication({ providers: [Trace, type] });
    await bus.publish('t', { id: 'a' });
    await eventually(() => expect(app.get(Trace).calls).toEqual(FULL_PASS));
  });

  it.each([
    ['bound to the class', ClassLevel],
    ['bound to the method', MethodLevel],
  ])('let a filter handle what the handler threw, %s', async (_level, type) => {
    const { app, bus } = await startApplication({ providers: [Trace, type] });
    await bus.publish('t', { id: 'a', fails: true });
    await eventually(() => expect(app.get(Trace).calls.at(-1)).toBe('filter rpc Error: handler failed'));
    await eventually(() => expect(bus.snapshot().totals.handled).toBe(1));
    expect(failures).toEqual([]);
  });

  it('run for a controller, whose module Nest looks up in another way', async () => {
    const { app, bus } = await startApplication({ providers: [Trace], controllers: [ControllerLevel] });
    await bus.publish('t', { id: 'a' });
    await eventually(() => expect(app.get(Trace).calls).toEqual(['guard rpc Handler.handle a', 'handler']));
  });

  it('do not run when they are bound to the whole application, unless asked for', async () => {
    const { app, bus } = await startApplication({ providers: [Trace, Bare, ...GLOBAL] });
    await bus.publish('t', { id: 'a' });
    await eventually(() => expect(app.get(Trace).calls).toEqual(['handler']));
  });

  it('run when they are bound by a module for the whole application, and asked for', async () => {
    const bus = { ...QUICK, handlers: { globalEnhancers: true } };
    const started = await startApplication({ bus, providers: [Trace, Bare, ...GLOBAL] });
    await started.bus.publish('t', { id: 'a', fails: true });
    await eventually(() =>
      expect(started.app.get(Trace).calls).toEqual([
        'guard rpc Handler.handle a',
        'before t',
        'pipe a',
        'handler piped',
        'filter rpc Error: handler failed',
      ]),
    );
  });

  it('run when they are bound to the application itself, and asked for', async () => {
    const { app, bus } = await startApplication({
      bus: { ...QUICK, handlers: { globalEnhancers: true } },
      providers: [Trace, Bare],
      prepare: (application) => {
        const trace = application.get(Trace);
        application.useGlobalGuards(new TracingGuard(trace));
        application.useGlobalPipes(new TracingPipe(trace));
        application.useGlobalInterceptors(new TracingInterceptor(trace));
      },
    });
    await bus.publish('t', { id: 'a' });
    await eventually(() =>
      expect(app.get(Trace).calls).toEqual([
        'guard rpc Handler.handle a',
        'before t',
        'pipe a',
        'handler piped',
        'after',
      ]),
    );
  });
});

class Refusal extends Error {}
const original = new Refusal('the original');

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Failing {
  attempts = 0;

  @EventHandler('bare')
  bare(): void {
    throw original;
  }

  @EventHandler('intercepted')
  @UseInterceptors({ intercept: (_context: ExecutionContext, next: CallHandler) => next.handle() })
  intercepted(): void {
    throw original;
  }

  @EventHandler('rejects')
  async rejects(): Promise<never> {
    throw original;
  }

  @EventHandler('observable')
  observable(): Observable<never> {
    return throwError(() => original);
  }

  @EventHandler('promised-observable')
  async promisedObservable(): Promise<Observable<never>> {
    return throwError(() => original);
  }

  @EventHandler('filter-observable')
  @UseFilters({ catch: (error: unknown) => throwError(() => error) })
  filterObservable(): void {
    throw original;
  }

  @EventHandler('filter-silent')
  @UseFilters({ catch: () => undefined })
  filterSilent(): void {
    throw original;
  }

  @EventHandler('filter-async-silent')
  @UseFilters({ catch: async () => undefined })
  filterAsyncSilent(): void {
    throw original;
  }

  @EventHandler('guarded')
  @UseGuards(RefusingGuard)
  guarded(): void {
    this.attempts += 1;
  }

  @EventHandler('empty')
  empty(): Observable<never> {
    return EMPTY;
  }

  @EventHandler('entered')
  @UseGuards({ canActivate: () => true })
  entered(): void {
    this.attempts += 1;
    if (this.attempts === 1) throw new ForbiddenException('by the handler itself');
  }
}

class Amount {
  @IsInt()
  amount!: number;
}

@Injectable()
class Validating {
  readonly seen: unknown[] = [];

  @EventHandler('amounts')
  @UsePipes(new ValidationPipe())
  handle(@Payload() data: Amount, @Ctx() event: EventContext): void {
    this.seen.push([data.amount, event.topic]);
  }
}

describe('the original error', () => {
  it.each([
    ['thrown by a bare handler', 'bare'],
    ['thrown behind an interceptor', 'intercepted'],
    ['of a rejected promise', 'rejects'],
    ['of an Observable', 'observable'],
    ['of an Observable that a promise resolves to', 'promised-observable'],
    ['of an Observable that a filter returns', 'filter-observable'],
    ['when a filter returns nothing', 'filter-silent'],
    ['when a filter resolves to nothing', 'filter-async-silent'],
  ])('is kept, %s', async (_name, topic) => {
    const { bus } = await startApplication({ providers: [Failing] });
    await bus.publish(topic, {});
    await eventually(() => expect(failures.length).toBeGreaterThan(0));
    expect(failures[0]?.error).toBe(original);
  });

  it('is a permanent refusal when a guard says no, before the handler was entered', async () => {
    const { app, bus } = await startApplication({ providers: [Failing] });
    await bus.publish('guarded', {});
    await eventually(() => expect(bus.snapshot().totals.deadLettersStored).toBe(1));
    expect([failures, app.get(Failing).attempts]).toEqual([[], 0]);
  });

  it('is a permanent refusal when a validation pipe says no', async () => {
    const { app, bus } = await startApplication({ providers: [Validating] });
    await bus.publish('amounts', { amount: 'many' });
    await bus.publish('amounts', { amount: 3 });
    await eventually(() => expect(app.get(Validating).seen).toEqual([[3, 'amounts']]));
    await eventually(() => expect(bus.snapshot().totals.deadLettersStored).toBe(1));
    expect(failures).toEqual([]);
  });

  it('is tried again when the handler itself throws what a guard would', async () => {
    const { app, bus } = await startApplication({ providers: [Failing] });
    await bus.publish('entered', {});
    await eventually(() => expect(app.get(Failing).attempts).toBe(2));
  });

  it('does not come of an Observable that ends without a value', async () => {
    const { bus } = await startApplication({ providers: [Failing] });
    await bus.publish('empty', {});
    await eventually(() => expect(bus.snapshot().totals.handled).toBe(1));
  });
});

const Topic = createParamDecorator((prefix: string, context: ExecutionContext) => {
  return prefix + context.switchToRpc().getContext<EventContext>().topic;
});

@Injectable()
class Parameters {
  readonly seen: unknown[] = [];

  @EventHandler('plain')
  plain(...given: unknown[]): void {
    this.seen.push(given);
  }

  @EventHandler('swapped')
  swapped(@Ctx() event: EventContext, @Payload() data: unknown): void {
    this.seen.push([event.topic, data]);
  }

  @EventHandler('field')
  field(@Payload('id') id: string, @Payload('missing') missing: unknown, @Topic('a ') topic: string): void {
    this.seen.push([id, missing, topic]);
  }

  @EventHandler('piped')
  piped(@Payload('id', { transform: (id: string) => id.toUpperCase() }) id: string): void {
    this.seen.push([id]);
  }

  @EventHandler('undecorated-guarded')
  @UseGuards({ canActivate: () => true })
  undecoratedGuarded(...given: unknown[]): void {
    this.seen.push(given);
  }

  @EventHandler('skipped')
  skipped(first: unknown, @Payload() data: unknown): void {
    this.seen.push([first, data]);
  }
}

describe('the parameters of a handler', () => {
  it.each([
    ['data and context when nothing is decorated', 'plain', [{ id: 'a' }, expect.any(EventContext)]],
    ['the same behind a guard', 'undecorated-guarded', [{ id: 'a' }, expect.any(EventContext)]],
    ['in the order of their decorators', 'swapped', ['swapped', { id: 'a' }]],
    ['fields of the data, and custom decorators', 'field', ['a', undefined, 'a field']],
    ['through pipes of their own', 'piped', ['A']],
    ['undefined where nothing is decorated beside others', 'skipped', [undefined, { id: 'a' }]],
  ])('are %s', async (_name, topic, expected) => {
    const { app, bus } = await startApplication({ providers: [Parameters] });
    await bus.publish(topic, { id: 'a' });
    await eventually(() => expect(app.get(Parameters).seen).toEqual([expected]));
  });
});
