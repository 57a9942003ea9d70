import type { ParamProperties } from '@nestjs/core/helpers/context-utils.js';
import { ParamsTokenFactory } from '@nestjs/core/pipes/index.js';

/** A parameter, with the type that Nest's pipes are told. */
export type HandlerParam = ParamProperties & { readonly metatype?: unknown };

/** A pipe, and what it is told of the parameter: Nest's ArgumentMetadata. */
interface Pipe {
  transform(value: unknown, metadata: object): unknown;
}

/** Fills a method's arguments from what the handler is given. Undefined when no promise was met: they are filled then. */
export type FillArguments = (args: unknown[], given: readonly unknown[]) => Promise<unknown> | undefined;

const tokens = new ParamsTokenFactory();

/**
 * What Nest's PipesConsumer does, pipe after pipe and all parameters at once, but with a promise only where a pipe or a decorator returns one:
 * with one each for every stage, arguments cost a handler more than all else.
 */
export function argumentFiller(params: readonly HandlerParam[], bound: readonly Pipe[]): FillArguments {
  const fillers = params.map((param) => fillerOf(param, bound));
  return (args, given) => {
    let waiting: Promise<unknown>[] | undefined;
    for (const fill of fillers) {
      const pending = fill(args, given);
      if (pending !== undefined) (waiting ??= []).push(pending);
    }
    return waiting === undefined ? undefined : Promise.all(waiting);
  };
}

function fillerOf(param: HandlerParam, bound: readonly Pipe[]): FillArguments {
  const { index, extractValue, schema, data } = param;
  const type = tokens.exchangeEnumForString(Number(param.type));
  const metadata = { metatype: param.metatype, type, data, schema };
  const transform = piped([...bound, ...(param.pipes ?? [])], metadata);
  return (args, given) => {
    try {
      const value = transform(extractValue(...given), 0);
      if (isThenable(value)) return Promise.resolve(value).then((settled) => void (args[index] = settled));
      args[index] = value;
      return undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** Gives a value to the pipes from a place on; what one of them promises is waited for before the next sees it. */
function piped(pipes: readonly Pipe[], metadata: object) {
  const transform = (given: unknown, from: number): unknown => {
    let value = given;
    for (let place = from; place < pipes.length; place += 1) {
      if (isThenable(value)) return Promise.resolve(value).then((settled) => transform(settled, place));
      value = pipes[place]?.transform(value, metadata);
    }
    return value;
  };
  return transform;
}

/** Whether it is to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
