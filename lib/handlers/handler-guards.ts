import { type CanActivate, ForbiddenException } from '@nestjs/common';
import type { Controller } from '@nestjs/common/internal';
import { FORBIDDEN_MESSAGE } from '@nestjs/core/guards/constants.js';
import { GuardsConsumer } from '@nestjs/core/guards/index.js';

/** What a guard may answer. */
type Answer = ReturnType<CanActivate['canActivate']>;

/** Nest's guards, one after another, with a promise only where a guard returns one. */
export class HandlerGuards extends GuardsConsumer {
  /** Undefined when all have agreed at once. @throws ForbiddenException, now or by the promise, when one does not agree */
  admit(
    guards: readonly CanActivate[],
    args: unknown[],
    { instance, callback, type }: { instance: Controller; callback: (...args: unknown[]) => unknown; type: string },
  ): Promise<void> | undefined {
    const context = this.createContext(args, instance, callback);
    context.setType(type);
    const ask = (from: number): Promise<void> | undefined => {
      for (let place = from; place < guards.length; place += 1) {
        const answer = guards[place]!.canActivate(context);
        if (answer === false) throw new ForbiddenException(FORBIDDEN_MESSAGE);
        if (answer !== true) return this.#agreed(answer).then(() => ask(place + 1));
      }
      return undefined;
    };
    return ask(0);
  }

  async #agreed(answer: Answer): Promise<void> {
    if (!(await this.pickResult(answer))) throw new ForbiddenException(FORBIDDEN_MESSAGE);
  }
}
