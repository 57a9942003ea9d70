export { EventBusHealthIndicator } from './event-bus.health-indicator.js';
export { EventBusHealthModule, getEventBusHealthToken } from './event-bus-health.module.js';
export type { EventBusHealthOptions, HealthThresholds, ReadinessOptions } from './health.options.js';
