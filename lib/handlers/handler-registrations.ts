import { defined } from '../core/defined.js';
import { InvalidHandlerError, toError } from '../core/errors.js';
import { optionFaults, shown } from '../core/option-faults.js';
import { assertPattern, isGroupName } from '../core/pattern.js';
import type { HandlerDeclaration } from './event-handler.decorator.js';
import { eventHandlerSchema } from './handler-options.schema.js';
import type { HandlerRegistration } from './registration.js';
import type { RetryOptions } from './retry-policy.js';

/** What a bus says for handlers that say nothing themselves. */
export interface RegistrationDefaults {
  readonly bus: string;
  /** Undefined: every handler has to name one. */
  readonly group: string | undefined;
  readonly retry: RetryOptions;
  readonly timeoutMs: number;
  readonly onTimeout: 'wait' | 'dead-letter';
}

/** One declaration of one method, to be checked. */
export interface DeclaredHandler {
  readonly className: string;
  readonly methodName: string;
  /** Tells classes of the same name apart. */
  readonly host: object;
  readonly declaration: HandlerDeclaration;
  readonly invoke: HandlerRegistration['invoke'];
}

/**
 * Registrations of one bus, checked and complete.
 * @throws InvalidHandlerError with every fault: patterns, groups, options, and claims that a class makes twice
 */
export function createRegistrations(
  declared: readonly DeclaredHandler[],
  defaults: RegistrationDefaults,
): HandlerRegistration[] {
  const faults = declared.flatMap((handler) => declarationFaults(handler, defaults));
  faults.push(...claimFaults(declared, defaults));
  if (faults.length > 0) throw new InvalidHandlerError(faults.join('; '));
  const names = uniqueNames(declared);
  return declared.map((handler, index) => registration(handler, names[index] ?? plainName(handler), defaults));
}

function registration(handler: DeclaredHandler, name: string, defaults: RegistrationDefaults): HandlerRegistration {
  const { options, patterns } = handler.declaration;
  return {
    name,
    group: groupOf(handler, defaults) ?? '',
    patterns: [...new Set(patterns)],
    type: options.type,
    pool: options.pool ?? 'keyed',
    retry: { ...defaults.retry, ...defined(options.retry) },
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    onTimeout: options.onTimeout ?? defaults.onTimeout,
    invoke: handler.invoke,
  };
}

function declarationFaults(handler: DeclaredHandler, defaults: RegistrationDefaults): string[] {
  const { patterns, options } = handler.declaration;
  const faults = patterns.flatMap(patternFaults);
  if (patterns.length === 0) faults.push('it names no pattern');
  faults.push(...optionFaults(eventHandlerSchema, options));
  const group = groupOf(handler, defaults);
  if (group === undefined) {
    faults.push(`no group: give the bus "${defaults.bus}" a \`group\`, or name one in @EventHandler`);
  } else if (!isGroupName(group)) {
    faults.push(`group ${shown(group)} must be 1 to 100 letters, digits, ".", "_" and "-"`);
  }
  return faults.map((fault) => `${plainName(handler)}: ${fault}`);
}

function patternFaults(pattern: unknown): string[] {
  try {
    assertPattern(pattern);
    return [];
  } catch (error) {
    return [toError(error).message];
  }
}

function claimFaults(declared: readonly DeclaredHandler[], defaults: RegistrationDefaults): string[] {
  const claimsByHost = new Map<object, Map<string, string>>();
  return declared.flatMap((handler) => {
    const claims = claimsByHost.get(handler.host) ?? new Map<string, string>();
    claimsByHost.set(handler.host, claims);
    const { patterns, options } = handler.declaration;
    return [...new Set(patterns)].flatMap((pattern) => {
      const claim = `group "${groupOf(handler, defaults)}", pattern "${pattern}", type ${options.type ?? 'any'}`;
      const other = claims.get(claim);
      claims.set(claim, plainName(handler));
      return other === undefined ? [] : [`${other} and ${plainName(handler)} both claim ${claim}`];
    });
  });
}

function groupOf({ declaration }: DeclaredHandler, defaults: RegistrationDefaults): string | undefined {
  return declaration.options.group ?? defaults.group;
}

function plainName({ className, methodName }: DeclaredHandler): string {
  return `${className}.${methodName}`;
}

/** `Ledger.onPlaced`; the second of that name is `Ledger.onPlaced#2`. */
function uniqueNames(declared: readonly DeclaredHandler[]): string[] {
  const countByName = new Map<string, number>();
  return declared.map((handler) => {
    const name = plainName(handler);
    const count = (countByName.get(name) ?? 0) + 1;
    countByName.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}
