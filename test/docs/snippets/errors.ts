import { ServiceUnavailableException } from '@nestjs/common';
import { EventBusError, type EventBusService, PublishUnknownError } from 'nestjs-eventbus';

// #region errors
export async function place(bus: EventBusService, order: { readonly id: string }) {
  try {
    await bus.publish('orders.placed', order, { id: `placed-${order.id}`, key: order.id });
  } catch (error) {
    if (error instanceof PublishUnknownError)
      throw new ServiceUnavailableException('Try again: the id stays the same.');
    if (error instanceof EventBusError && error.code === 'EVENT_BUS_MESSAGE_TOO_LARGE') return 'too large';
    throw error;
  }
  return 'placed';
}
// #endregion
