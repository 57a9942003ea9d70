export { EventBusModule } from './event-bus.module.js';
export { EventBusService } from './event-bus.service.js';
export { EventBusStrategy } from './event-bus.strategy.js';
