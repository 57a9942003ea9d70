import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Demonstration } from './demonstration.js';
import { ReadableLogger } from './readable.logger.js';
import { exitOnSecondSignal } from './signals.js';

const port = Number(process.env['PORT'] ?? 3000);
const url = `http://localhost:${port}`;

const app = await NestFactory.create(AppModule, { logger: new ReadableLogger(), return503OnClosing: true });
app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
exitOnSecondSignal();
await app.listen(port);
await app.get(Demonstration).run();
new Logger('SampleApp').log(`Listening. Try, in another terminal:

  curl -i -X POST ${url}/orders -H 'content-type: application/json' \\
       -d '{"id":"o-1","item":"teapot","quantity":2,"customerId":"ada","amount":50}'
  curl ${url}/orders/o-1

  # this one fails on purpose and becomes a dead letter
  curl -i -X POST ${url}/orders -H 'content-type: application/json' \\
       -d '{"id":"o-2","item":"unobtainium","quantity":1,"customerId":"ada","amount":50}'
  curl ${url}/orders/o-2

  curl ${url}/health

Ctrl-C finishes what is in hand and ends; a second Ctrl-C ends at once.
`);
