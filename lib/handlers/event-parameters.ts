import type { ParamProperties } from '@nestjs/core/helpers/context-utils.js';
import type { ParamsFactory } from '@nestjs/core/helpers/external-context-creator.js';

/** Nest's numbers for what `@Payload()` and `@Ctx()` ask for; custom parameter decorators have strings. */
export const PAYLOAD = 3;
export const CONTEXT = 6;

/** What Nest's parameter decorators get, given `(data, context)`. */
export const EVENT_PARAMS: ParamsFactory = {
  exchangeKeyForValue(type: number, property: unknown, args: readonly unknown[]): unknown {
    if (type === CONTEXT) return args[1];
    if (type !== PAYLOAD) return null;
    return typeof property === 'string' && property !== '' ? fieldOf(args[0], property) : args[0];
  },
};

/** What a method without parameter decorators is given: data, context. */
export const UNDECORATED: ParamProperties[] = [PAYLOAD, CONTEXT].map((type, index) => ({
  index,
  type,
  data: '',
  pipes: [],
  extractValue: (...args: unknown[]): unknown => args[index],
}));

type Method = (...args: unknown[]) => unknown;

/**
 * Calls a method whose parameters are plain data and context directly, without Nest in between; undefined when they are not.
 * The usual orders need no list of arguments.
 */
export function directCall(
  params: readonly ParamProperties[],
  instance: object,
  method: Method,
): ((data: unknown, context: unknown) => unknown) | undefined {
  if (!params.every(isPlain)) return undefined;
  const length = Math.max(...params.map(({ index }) => index)) + 1;
  const types = Array.from({ length }, (_, index) => params.find((param) => param.index === index)?.type);
  const order = types.join();
  if (order === `${PAYLOAD}`) return (data) => method.call(instance, data);
  if (order === `${PAYLOAD},${CONTEXT}`) return (data, context) => method.call(instance, data, context);
  const argumentsOf = (data: unknown, context: unknown) => types.map((type) => pick(type, data, context));
  return (data, context) => method.apply(instance, argumentsOf(data, context));
}

function pick(type: unknown, data: unknown, context: unknown): unknown {
  if (type === PAYLOAD) return data;
  return type === CONTEXT ? context : undefined;
}

function isPlain({ type, data, pipes, schema }: ParamProperties): boolean {
  const isKnown = type === PAYLOAD || type === CONTEXT;
  return isKnown && (data === undefined || data === '') && schema === undefined && (pipes?.length ?? 0) === 0;
}

function fieldOf(data: unknown, property: string): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, property)) return undefined;
  return Reflect.get(data, property);
}
