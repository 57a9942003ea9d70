export {
  type DeadLetterDiagnostic,
  diagnostics,
  type DispatchDiagnostic,
  type EventLoopBlockedDiagnostic,
  type LeftBehindDiagnostic,
  type LeftBehindEvent,
  type OverlapDiagnostic,
  type ProgressMapDiagnostic,
  type PublishDiagnostic,
  type RetryDiagnostic,
  type RevivalDiagnostic,
  type SaturationDiagnostic,
  type SettleDiagnostic,
  type StallDiagnostic,
  type StallHolder,
  type TransportStatusDiagnostic,
} from './core/diagnostics.js';
export {
  AuthenticationError,
  AuthorizationError,
  ERROR_CODES,
  EventBusError,
  type EventBusErrorCode,
  InvalidHandlerError,
  InvalidOptionsError,
  InvalidTopicError,
  MessageTooLargeError,
  NotConnectedError,
  NotOpenError,
  TopologyError,
} from './core/errors.js';
export type { HandleState } from './core/handle-register.js';
export {
  DEFAULT_BUS,
  getEventBusClientToken,
  getEventBusLifecycleToken,
  getEventBusStrategyToken,
  getEventBusToken,
} from './core/tokens.js';
export { NoHandlerError } from './dispatch/dead-letter.facts.js';
export { DEAD_HEADERS, type DeadLetterHistory, readDeadLetterHeaders } from './dispatch/dead-letter.headers.js';
export { cloudEventsCodec } from './envelope/cloud-events.codec.js';
export type { Codec, CodecContext, CodecFactory, EncodedEvent } from './envelope/codec.js';
export {
  DataNotSerializableError,
  EnvelopeDecodeError,
  InvalidEventError,
  InvalidHeaderError,
  InvalidKeyError,
} from './envelope/envelope.errors.js';
export type { Envelope, EventMetadata, OutgoingEvent } from './envelope/envelope.js';
export type { Cause, EventOptions } from './envelope/event-options.js';
export { jsonEnvelopeCodec } from './envelope/json-envelope.codec.js';
export { nestCodec } from './envelope/nest.codec.js';
export { EventBusModule } from './event-bus.module.js';
export type { EventBusModuleExtras, EventBusOptionsFactory } from './event-bus.module-definition.js';
export type {
  AckPoolOptions,
  EventBusOptions,
  GroupOptions,
  HandlerDefaults,
  KeyedPoolOptions,
  PoolOptions,
  PoolsOptions,
} from './event-bus.options.js';
export { InjectEventBus } from './event-bus.providers.js';
export { EventBusService } from './event-bus.service.js';
export type {
  BusSnapshot,
  ConsumerSnapshot,
  EventLoopSnapshot,
  LeftBehindSnapshot,
  LifecycleState,
  PoolSnapshot,
  StallSnapshot,
} from './event-bus.snapshot.js';
export { EventBusStrategy, type EventBusStrategyEvents } from './event-bus.strategy.js';
export { EventContext } from './handlers/event-context.js';
export { EventHandler, type EventHandlerOptions } from './handlers/event-handler.decorator.js';
export {
  HandlerAbortedError,
  HandlerTimeoutError,
  RetryLaterError,
  UnrecoverableError,
} from './handlers/handler.errors.js';
export { getEventBusTransport } from './handlers/handler.tokens.js';
export { OnPublishResults, type OnPublishResultsOptions } from './handlers/on-publish-results.decorator.js';
export type { RetryOptions } from './handlers/retry-policy.js';
export { EventBusClientProxy } from './publishing/event-bus.client-proxy.js';
export { EventBusRecord, EventBusRecordBuilder } from './publishing/event-bus.record.js';
export type { PublishOptions } from './publishing/publish-options.js';
export type {
  ConfirmedPublish,
  EnqueueResult,
  FailedPublish,
  PublishRequest,
  PublishResult,
} from './publishing/publish-result.js';
export {
  FullError,
  OvertakenError,
  PublishAbortedError,
  PublishRejectedError,
  PublishTimeoutError,
  PublishUnknownError,
} from './publishing/publish.errors.js';
export type {
  HeaderEntry,
  HeaderVisitor,
  OutgoingMessage,
  Position,
  ReceivedHeaders,
  ReceivedMessage,
} from './transport/message.js';
export type {
  ConnectionState,
  ConnectionStatus,
  ConsumerPort,
  Credit,
  Delivery,
  PublisherPort,
  Source,
  SourceProgress,
  Subscription,
  Transport,
  TransportContext,
  TransportFactory,
} from './transport/transport.js';
export { type MemoryBroker, memoryBroker } from './transports/memory/memory-broker.js';
export { memoryTransport, type MemoryTransportOptions } from './transports/memory/memory-transport.factory.js';
export type { MemoryBrokerOptions } from './transports/memory/memory.options.js';
