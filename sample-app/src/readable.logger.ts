import { ConsoleLogger } from '@nestjs/common';

/** What Nest says of every module and route at start: here it would hide what the bus does. */
const NEST_START_UP = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

/** Nest's log without debug lines and without its own start-up. */
export class ReadableLogger extends ConsoleLogger {
  constructor() {
    super({ logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && NEST_START_UP.has(context)) return;
    super.log(message, ...rest);
  }
}
