import { Global, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { describe, expect, it } from 'vitest';
import {
  EventBusClientProxy,
  EventBusModule,
  type EventBusOptions,
  type EventBusOptionsFactory,
  EventBusService,
  EventHandler,
  getEventBusToken,
  InjectEventBus,
  memoryBroker,
  memoryTransport,
} from 'nestjs-eventbus';
import { firstValueFrom } from 'rxjs';
import { eventually } from '../../support/eventually.js';
import { LogLines, newApplication, QUICK, startApplication, testModule } from './support/applications.js';

@Injectable()
class Factory implements EventBusOptionsFactory {
  createEventBusOptions(): EventBusOptions {
    return { group: 'made-by-a-class' };
  }
}

@Global()
@Module({ providers: [Factory], exports: [Factory] })
class FactoryModule {}

@Injectable()
class Listener {
  readonly seen: string[] = [];

  @EventHandler('t')
  onDefault(data: string): void {
    this.seen.push(`default ${data}`);
  }

  @EventHandler('t', { bus: 'audit' })
  onAudit(data: string): void {
    this.seen.push(`audit ${data}`);
  }
}

@Injectable()
class Injecting {
  constructor(
    readonly bus: EventBusService,
    @InjectEventBus('audit') readonly audit: EventBusService,
  ) {}
}

@Injectable()
class OnlyDefault {
  constructor(readonly bus: EventBusService) {}
}

@Module({ providers: [OnlyDefault] })
class FeatureModule {}

describe('EventBusModule', () => {
  it('runs without options, in memory, and says so', async () => {
    const logs = new LogLines();
    await startApplication({ bus: {}, logs });
    expect(logs.matching(/No transport was given.*memory/)).toHaveLength(1);
    expect(logs.matching(/keeps nothing across a restart/)).toHaveLength(1);
  });

  it('is global by default', async () => {
    const { app } = await startApplication({ imports: [FeatureModule] });
    expect(app.get(OnlyDefault, { strict: false }).bus).toBe(app.get(EventBusService));
  });

  it('is not global when told so', async () => {
    const imports = [EventBusModule.forRoot({ isGlobal: false }), FeatureModule];
    await expect(testModule({ bus: 'none', imports })).rejects.toThrow(/can't resolve dependencies of the OnlyDefault/);
  });

  it.each<[string, () => Parameters<typeof EventBusModule.forRootAsync>[0]]>([
    ['useFactory', () => ({ useFactory: async () => ({ group: 'made-by-a-factory' }) })],
    ['useClass', () => ({ useClass: Factory })],
    ['useExisting', () => ({ useExisting: Factory, imports: [FactoryModule] })],
    [
      'ConfigService',
      () => ({
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ bus: { group: 'made-by-config' } })] })],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => config.getOrThrow<EventBusOptions>('bus'),
      }),
    ],
  ])('takes its options from %s', async (_name, options) => {
    const { bus } = await startApplication({ bus: 'none', imports: [EventBusModule.forRootAsync(options())] });
    expect(bus.snapshot().group).toMatch(/^made-by-/);
  });

  it('lets several buses live side by side', async () => {
    const imports = [EventBusModule.forRoot({ ...QUICK, name: 'audit' })];
    const { app } = await startApplication({ imports, providers: [Listener, Injecting] });
    const { bus, audit } = app.get(Injecting);
    await bus.publish('t', 'one');
    await audit.publish('t', 'two');
    await eventually(() => expect(app.get(Listener).seen.toSorted()).toEqual(['audit two', 'default one']));
    expect(app.get(getEventBusToken('audit'))).toBe(audit);
    expect([bus.name, audit.name]).toEqual(['default', 'audit']);
  });

  it('refuses two buses of one name', async () => {
    const app = await newApplication({ imports: [EventBusModule.forRoot()] });
    await expect(app.init()).rejects.toThrow(/EVENT_BUS_INVALID_OPTIONS.*got "default" twice/);
  });

  it('refuses a name that is none', async () => {
    const imports = [EventBusModule.forRoot({ name: 'a b' })];
    await expect(testModule({ bus: 'none', imports })).rejects.toThrow(/name must be 1 to 64.*got "a b"/);
  });

  it('lists every fault of its options at once', async () => {
    const bus = { retry: { maxAttempts: 0 }, pools: { global: { workers: -2 } }, grup: 'x' } as EventBusOptions;
    await expect(testModule({ bus })).rejects.toMatchObject({
      code: 'EVENT_BUS_INVALID_OPTIONS',
      faults: [
        'pools.global.workers must be at least 1, got -2',
        'retry.maxAttempts must be at least 1, got 0',
        'grup is not an option',
      ],
    });
  });

  it('puts the topic prefix on the wire and nowhere else', async () => {
    const broker = memoryBroker();
    const bus = { ...QUICK, transport: memoryTransport({ broker }), topicPrefix: 'staging.' };
    const started = await startApplication({ bus, providers: [Only] });
    await started.bus.publish('t', 'one');
    await eventually(() => expect(started.app.get(Only).seen).toEqual(['one']));
    expect([broker.stored('staging.t'), broker.stored('t')]).toEqual([1, 0]);
  });

  it("publishes what Nest's ClientProxy idiom emits", async () => {
    const { app } = await startApplication({ providers: [Only] });
    await firstValueFrom(app.get(EventBusClientProxy).emit('t', 'one'));
    await eventually(() => expect(app.get(Only).seen).toEqual(['one']));
  });

  it('changes the number of workers while running', async () => {
    const { bus } = await startApplication({});
    bus.resize('keyed', 3);
    expect(bus.snapshot().pools.keyed.workers).toBe(3);
    expect(() => bus.resize('keyed', 0)).toThrow('workers must be at least 1, got 0');
  });
});

@Injectable()
class Only {
  readonly seen: unknown[] = [];

  @EventHandler('t')
  handle(data: unknown): void {
    this.seen.push(data);
  }
}
