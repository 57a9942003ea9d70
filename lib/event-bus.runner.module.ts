import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { EventBusDirectory } from './event-bus.directory.js';
import { HandlerMetadataAccessor } from './handlers/handler-metadata.accessor.js';
import { HandlerExplorer } from './handlers/handler.explorer.js';

/**
 * Starts consuming after everybody else has started, and ends it before anybody else is destroyed. One per application, whatever
 * the number of buses. Nest calls hooks by a module's distance from the root: one below the root's is the last to start
 * and the first to be destroyed.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [HandlerMetadataAccessor, HandlerExplorer, EventBusDirectory],
  exports: [EventBusDirectory],
})
export class EventBusRunnerModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(EventBusDirectory) private readonly directory: EventBusDirectory,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    for (const module of modules.values()) if (module.metatype === EventBusRunnerModule) module.distance = -1;
  }

  async onApplicationBootstrap(): Promise<void> {
    await Promise.all(this.directory.all.map((bus) => bus.bootstrap()));
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.directory.all.map((bus) => bus.stopConsuming()));
  }
}
