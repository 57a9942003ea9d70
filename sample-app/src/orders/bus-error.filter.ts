import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  type ExceptionFilter,
  type HttpException,
  InternalServerErrorException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { EventBusError } from 'nestjs-eventbus';

/** What the caller can mend, by code. */
const CALLERS_FAULT = new Set([
  'EVENT_BUS_INVALID_KEY',
  'EVENT_BUS_DATA_NOT_SERIALIZABLE',
  'EVENT_BUS_MESSAGE_TOO_LARGE',
]);

/** An event the broker does not have is the HTTP client's business: 503 says that trying again may help. */
@Catch(EventBusError)
export class BusErrorFilter implements ExceptionFilter<EventBusError> {
  constructor(private readonly adapters: HttpAdapterHost) {}

  catch(error: EventBusError, host: ArgumentsHost): void {
    const answer = asHttp(error);
    this.adapters.httpAdapter.reply(host.switchToHttp().getResponse(), answer.getResponse(), answer.getStatus());
  }
}

function asHttp(error: EventBusError): HttpException {
  const { code, message, retryable } = error;
  const body = { code, message };
  if (CALLERS_FAULT.has(code)) return new BadRequestException(body);
  const isMomentary = retryable || code === 'EVENT_BUS_NOT_OPEN';
  return isMomentary ? new ServiceUnavailableException(body) : new InternalServerErrorException(body);
}
