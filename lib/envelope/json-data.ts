import { DataNotSerializableError } from './envelope.errors.js';
import { isObject } from './records.js';

/** Why a value cannot be written as JSON without changing it, and where. */
interface Fault {
  readonly path: string;
  readonly why: string;
}

/** Objects that JSON writes as a plain value or as `{}` because they are empty. */
const HARMLESS_EMPTY = new Set(['[object Object]', '[object Number]', '[object Boolean]', '[object String]']);

/** Objects whose content is no property: JSON writes only what properties they happen to have besides. */
const OPAQUE = /^\[object (?:Error|Map|Set|Weak\w+|Promise|RegExp|DataView|\w*Array|\w*ArrayBuffer)\]$/;

/**
 * Data as JSON text that reads back as the same: what JSON would drop or change without a word is refused. Undefined properties are left out, and
 * `toJSON` is honoured (a Date becomes its ISO text), as in JSON.stringify.
 * @param maxDepth deepest nesting that readers take
 * @throws DataNotSerializableError with the path of what is at fault
 */
export function toJson(data: unknown, maxDepth: number): string {
  try {
    if (isFaithful(data, maxDepth)) return JSON.stringify(data);
    const fault = findFault(data, maxDepth);
    if (fault) throw new DataNotSerializableError(fault.path, fault.why);
    return JSON.stringify(data);
  } catch (error) {
    if (error instanceof DataNotSerializableError) throw error;
    throw new DataNotSerializableError('data', 'cannot be written as JSON: it threw while it was read', error);
  }
}

/** The hot path: a yes is certain, a no may still be harmless (inherited properties count here, and not in JSON). */
function isFaithful(value: unknown, depthLeft: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (!isObject(value) || depthLeft === 0) return false;
  if (value instanceof Date) return Number.isFinite(value.getTime());
  const written = hasToJson(value) ? value.toJSON('') : value;
  if (!isObject(written)) return isFaithful(written, depthLeft);
  return Array.isArray(written) ? isFaithfulArray(written, depthLeft - 1) : isFaithfulObject(written, depthLeft - 1);
}

function isFaithfulArray(array: readonly unknown[], depthLeft: number): boolean {
  for (let i = 0; i < array.length; i++) if (!isFaithful(array[i], depthLeft)) return false;
  return true;
}

function isFaithfulObject(value: Readonly<Record<string, unknown>>, depthLeft: number): boolean {
  if (!isPlain(value) && OPAQUE.test(tagOf(value))) return false;
  let isEmpty = true;
  for (const name in value) {
    isEmpty = false;
    if (name === '__proto__' || name === 'constructor') return false;
    const property = value[name];
    if (property !== undefined && !isFaithful(property, depthLeft)) return false;
  }
  return !isEmpty || HARMLESS_EMPTY.has(tagOf(value));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `[object Map]` of a Map. */
function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function findFault(data: unknown, maxDepth: number): Fault | undefined {
  return faultOf(data, { path: 'data', key: '', depthLeft: maxDepth, ancestors: [] });
}

interface Place {
  readonly path: string;
  readonly key: string;
  readonly depthLeft: number;
  readonly ancestors: readonly object[];
}

function faultOf(given: unknown, place: Place): Fault | undefined {
  const value = resolveToJson(given, place.key);
  const why = primitiveFault(value, given);
  if (why !== undefined) return { path: place.path, why };
  if (!isObject(value)) return undefined;
  if (place.ancestors.includes(value)) return { path: place.path, why: 'refers back to what contains it (circular)' };
  if (place.depthLeft === 0) return { path: shorten(place.path), why: 'is nested deeper than readers take' };
  return Array.isArray(value) ? arrayFault(value, place) : objectFault(value, place);
}

function arrayFault(array: readonly unknown[], place: Place): Fault | undefined {
  for (let i = 0; i < array.length; i++) {
    const path = `${place.path}[${i}]`;
    if (array[i] === undefined) return { path, why: 'is undefined, which JSON would make null' };
    const fault = faultOf(array[i], below(place, array, path, String(i)));
    if (fault) return fault;
  }
  return undefined;
}

function objectFault(object: Readonly<Record<string, unknown>>, place: Place): Fault | undefined {
  const names = Object.keys(object);
  const tag = tagOf(object);
  if (names.length === 0 && !HARMLESS_EMPTY.has(tag)) {
    return { path: place.path, why: `is a ${tag.slice(8, -1)}, which JSON would make {}` };
  }
  if (OPAQUE.test(tag))
    return { path: place.path, why: `is a ${tag.slice(8, -1)}, whose content JSON would drop or change` };
  for (const name of names) {
    const path = `${place.path}.${name}`;
    if (isPoison(object, name)) return { path, why: 'is a name that no reader accepts' };
    if (object[name] === undefined) continue;
    const fault = faultOf(object[name], below(place, object, path, name));
    if (fault) return fault;
  }
  return undefined;
}

function below(place: Place, parent: object, path: string, key: string): Place {
  return { path, key, depthLeft: place.depthLeft - 1, ancestors: [...place.ancestors, parent] };
}

function primitiveFault(value: unknown, given: unknown): string | undefined {
  if (given instanceof Date && Number.isNaN(given.getTime())) return 'is an invalid Date, which JSON would make null';
  if (typeof value === 'number' && !Number.isFinite(value)) return `is ${value}, which JSON would make null`;
  if (typeof value === 'bigint') return 'is a BigInt, which JSON does not have: send it as text';
  if (value === undefined) return 'is undefined';
  return typeof value === 'function' || typeof value === 'symbol' ? `is a ${typeof value}` : undefined;
}

/** What JSON parsers that care for their prototypes refuse. */
function isPoison(object: Readonly<Record<string, unknown>>, name: string): boolean {
  if (name === '__proto__') return true;
  const value = object[name];
  return name === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

function resolveToJson(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && hasToJson(value) ? value.toJSON(key) : value;
}

function shorten(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 200)}…`;
}
