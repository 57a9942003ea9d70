import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_BUS } from '../../lib/core/tokens.js';
import { nestLogger } from '../../lib/event-bus.logger.js';

describe("the bus's log", () => {
  afterEach(() => {
    Logger.overrideLogger(false);
    vi.restoreAllMocks();
  });

  it('lets nothing through that a logger throws, and tells the process', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const fail = (): never => {
      throw new Error('the disk is full');
    };
    Logger.overrideLogger({ log: fail, warn: fail, error: fail, debug: fail });
    const log = nestLogger(DEFAULT_BUS);

    for (const level of ['debug', 'log', 'warn', 'error'] as const) log[level]('a line', { error: new Error('x') });

    expect(warned.mock.calls.map(([text]) => text)).toEqual(
      Array.from({ length: 4 }, () => 'A log line of the event bus was lost: the disk is full'),
    );
  });

  it('writes the line also when the message of its error cannot be read', () => {
    const lines: string[] = [];
    const take = (line: string): void => void lines.push(line);
    Logger.overrideLogger({ log: take, warn: take, error: take });
    const error = Object.assign(new Error('x'), { message: Symbol('y') });

    nestLogger(DEFAULT_BUS).warn('A handler failed.', { topic: 'orders', error });

    expect(lines).toEqual(['A handler failed. {"topic":"orders"} Symbol(y)']);
  });
});
