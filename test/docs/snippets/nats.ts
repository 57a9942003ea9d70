// #region nats
import { EventBusModule } from 'nestjs-eventbus';
import { natsTransport } from 'nestjs-eventbus/nats';

EventBusModule.forRoot({
  group: 'billing',
  transport: natsTransport({
    connection: { servers: ['nats-1:4222', 'nats-2:4222'], credsFile: '/run/secrets/app.creds' },
    streams: [{ name: 'ORDERS', subjects: ['orders.>'], partitions: 8 }],
  }),
});
// #endregion
