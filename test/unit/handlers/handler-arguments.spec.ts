import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { argumentFiller, type HandlerParam } from '../../../lib/handlers/handler-arguments.js';

function param(index: number, extra: Partial<HandlerParam> = {}): HandlerParam {
  return { index, type: 3, data: '', pipes: [], extractValue: (...given: unknown[]) => given[index], ...extra };
}

const plusOne = { transform: (value: unknown) => Number(value) + 1 };
const later = { transform: (value: unknown) => Promise.resolve(Number(value) * 10) };
const refusing = {
  transform: () => {
    throw new Error('refused');
  },
};

describe('argumentFiller', () => {
  it('fills at once, bound pipes before those of the parameter, where nothing is promised', () => {
    const args: unknown[] = [];

    expect(argumentFiller([param(0, { pipes: [plusOne] }), param(1)], [plusOne])(args, [1, 10])).toBeUndefined();
    expect(args).toEqual([3, 11]);
  });

  it('waits for what a pipe or a decorator promises before the next pipe sees it', async () => {
    const args: unknown[] = [];
    const decorated = param(1, { extractValue: () => Promise.resolve(5) });

    await argumentFiller([param(0, { pipes: [later, plusOne] }), decorated], [plusOne])(args, [1, 0]);
    expect(args).toEqual([21, 6]);
  });

  it('rejects with what a pipe throws, beside others that still wait', async () => {
    const filled = argumentFiller([param(0, { pipes: [later] }), param(1, { pipes: [refusing] })], [])([], [1, 2]);

    await expect(filled).rejects.toThrow('refused');
  });

  it('tells pipes what Nest tells them', () => {
    const told: unknown[] = [];
    const listening = { transform: (value: unknown, metadata: object) => (told.push(metadata), value) };

    void argumentFiller([param(0, { metatype: String, data: 'id' }), param(1, { type: 6 })], [listening])([], [1, 2]);
    expect(told).toMatchObject([
      { type: 'body', metatype: String, data: 'id' },
      { type: 'custom', data: '' },
    ]);
  });
});
