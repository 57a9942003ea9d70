import { EventBusModule } from 'nestjs-eventbus';
// #region kafka
import { kafkaTransport } from 'nestjs-eventbus/kafka';

EventBusModule.forRoot({
  group: 'billing',
  transport: kafkaTransport({
    connection: { brokers: ['kafka-1:9092', 'kafka-2:9092'] },
    topics: [{ name: 'orders.placed', partitions: 12, config: { 'retention.ms': '604800000' } }],
  }),
});
// #endregion
