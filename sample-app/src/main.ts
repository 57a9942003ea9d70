import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Demonstration } from './demonstration.js';

const port = Number(process.env['PORT'] ?? 3000);
const log = new Logger('SampleApp');

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
exitOnSecondSignal();
await app.listen(port);
await app.get(Demonstration).run();
log.log(`Try:
  curl -i -X POST ${await app.getUrl()}/orders -H 'content-type: application/json' \\
       -d '{"id":"o-1","item":"teapot","quantity":2,"customerId":"ada","amount":50}'
  curl ${await app.getUrl()}/orders/o-1
  curl ${await app.getUrl()}/health`);

/** The first signal drains; somebody who sends a second one does not want to wait. */
function exitOnSecondSignal(): void {
  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (++signals > 1) process.exit(1);
    });
  }
}
