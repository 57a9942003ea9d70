export { createTestBus, type TestBus, type TestBusOptions } from './test-bus.js';
export type { TestHandler } from './handler-class.js';
export { EventRecorder, type RecordedRun } from './event-recorder.js';
export { eventually, type EventuallyOptions } from './eventually.js';
export type {
  DeadLetteredRecord,
  EndedRecord,
  EventIdentity,
  EventRecord,
  PublishedRecord,
  RunIdentity,
  StartedRecord,
} from './records.js';
export { judge, type Duplicate, type OrderViolation, type Verdict } from './verdict.js';
export { transportContract } from './contract/transport-contract.js';
export type {
  ContractCapabilities,
  ContractEnvironment,
  ContractExpect,
  ContractMatchers,
  ContractRunner,
  ContractSubject,
  RawMessage,
  RestartableEnvironment,
  StoredMessage,
} from './contract/subject.js';
