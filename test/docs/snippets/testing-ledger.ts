import { Injectable } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { EventHandler } from 'nestjs-eventbus';

@Injectable()
export class Ledger {
  readonly entries: object[] = [];

  @EventHandler('orders.placed')
  onPlaced(@Payload() order: object): void {
    this.entries.push(order);
  }
}
