import { IsInt, IsNotEmpty, IsNumber, IsPositive, IsString } from 'class-validator';

/** What POST /orders takes, and what `orders.placed` carries. */
export class Order {
  @IsString()
  @IsNotEmpty()
  id!: string;

  @IsString()
  @IsNotEmpty()
  item!: string;

  @IsInt()
  @IsPositive()
  quantity!: number;

  @IsString()
  @IsNotEmpty()
  customerId!: string;

  @IsNumber()
  @IsPositive()
  amount!: number;
}

/** What `orders.reserved` carries. */
export interface OrderReserved {
  readonly orderId: string;
  readonly item: string;
  readonly quantity: number;
}

/** The item no warehouse has: an order of it fails on purpose and becomes a dead letter. */
export const UNOBTAINABLE = 'unobtainium';
