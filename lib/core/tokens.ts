export const DEFAULT_BUS = 'default';

/** Injection token of a bus's EventBusService; the class itself for the default bus is an alias of it. */
export function getEventBusToken(name: string = DEFAULT_BUS): string {
  return `EVENT_BUS:${name}`;
}

/** Injection token of a bus's Nest microservice strategy. */
export function getEventBusStrategyToken(name: string = DEFAULT_BUS): string {
  return `EVENT_BUS_STRATEGY:${name}`;
}

/** Injection token of a bus's lifecycle, whose snapshot health reads. */
export function getEventBusLifecycleToken(name: string = DEFAULT_BUS): string {
  return `EVENT_BUS_LIFECYCLE:${name}`;
}

/** Injection token of a bus's EventBusClientProxy, for code written for Nest's ClientProxy. */
export function getEventBusClientToken(name: string = DEFAULT_BUS): string {
  return `EVENT_BUS_CLIENT:${name}`;
}
