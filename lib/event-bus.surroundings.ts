import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { NestContainer } from '@nestjs/core';

/** What kind of Nest application the bus lives in, as far as it matters to it. */
export class Surroundings {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** `NestFactory.createApplicationContext`: nothing listens. A testing module without an application is not one. */
  get isApplicationContext(): boolean {
    return this.#hasNoHttp && this.#rpcTargets.length === 0;
  }

  /** `NestFactory.createMicroservice`: enhancers of the whole application are meant for messages. */
  get isMicroservice(): boolean {
    return this.#hasNoHttp && this.#rpcTargets.length > 0;
  }

  /** Whether a strategy was given to connectMicroservice or createMicroservice. */
  isConnected(strategy: object): boolean {
    return this.#rpcTargets.includes(strategy);
  }

  /** Nest says `null` where it was told that there is none, and nothing where it was not told yet. */
  get #hasNoHttp(): boolean {
    const container: NestContainer | undefined = Reflect.get(this.moduleRef, 'container');
    const adapter: unknown = container?.getHttpAdapterRef();
    return adapter === null;
  }

  get #rpcTargets(): readonly unknown[] {
    const targets: unknown[] = [];
    this.modules
      .getRpcTargetRegistry()
      .subscribe((target) => targets.push(target))
      .unsubscribe();
    return targets;
  }
}
