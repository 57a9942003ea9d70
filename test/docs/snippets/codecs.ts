import { type Codec, type CodecFactory, EventBusModule, EventBusService, jsonEnvelopeCodec } from 'nestjs-eventbus';

declare const bus: EventBusService;
declare const encodeOrder: (order: object) => Uint8Array;
declare const myCodec: Codec;

// #region choose
EventBusModule.forRoot({ codec: jsonEnvelopeCodec(), source: 'shop/billing' });
// #endregion

export async function publishing(): Promise<void> {
  const order = { id: 'o-1' };
  // #region content-types
  await bus.publish('orders.placed', order); // JSON
  await bus.publish('orders.note', 'Leave it at the door', { contentType: 'text/plain' }); // the text as it is
  await bus.publish('orders.placed', encodeOrder(order), { contentType: 'application/protobuf' }); // the bytes as they are
  // #endregion
}

// #region own
export const myCodecFactory: CodecFactory = { name: 'mine', create: () => myCodec };
// #endregion
