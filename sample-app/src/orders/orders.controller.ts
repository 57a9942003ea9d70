import {
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  UseFilters,
  ValidationPipe,
} from '@nestjs/common';
import { EventBusService } from 'nestjs-eventbus';
import { DeadLetterDesk } from '../dead-letters/dead-letter-desk.js';
import { BusErrorFilter } from './bus-error.filter.js';
import { Ledger } from './ledger.js';
import { Order } from './order.js';

/** How long a request waits for the broker's confirm, in milliseconds. */
const CONFIRM_TIMEOUT_MS = 5_000;

@Controller('orders')
@UseFilters(BusErrorFilter)
export class OrdersController {
  constructor(
    private readonly bus: EventBusService,
    private readonly ledger: Ledger,
    private readonly deadLetters: DeadLetterDesk,
  ) {}

  /** 202 once the broker has the event: from then on it is handled, whatever happens to this process. */
  @Post()
  @HttpCode(202)
  async place(@Body(new ValidationPipe({ whitelist: true })) order: Order): Promise<object> {
    const { id, position } = await this.bus.publish('orders.placed', order, {
      key: order.id,
      timeoutMs: CONFIRM_TIMEOUT_MS,
    });
    return { orderId: order.id, eventId: id, position };
  }

  @Get(':id')
  find(@Param('id') id: string): object {
    const entries = this.ledger.entriesOf(id);
    const deadLetters = this.deadLetters.of(id);
    if (entries === undefined && deadLetters.length === 0) throw new NotFoundException(`No order ${id} (yet)`);
    return { id, status: deadLetters.length > 0 ? 'failed' : 'accepted', entries: entries ?? [], deadLetters };
  }
}
