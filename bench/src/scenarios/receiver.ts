import type { Type } from '@nestjs/common';
import { type EventContext, EventHandler } from 'nestjs-eventbus';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Oracle } from '../../../tools/scenarios/oracle.js';
import { type Kind, type PlannedEvent, readRawBody } from '../../../tools/scenarios/workload.js';

/** What one run sends, and who judges what comes of it. */
export interface Judged {
  readonly kind: Kind;
  readonly topics: readonly string[];
  readonly senders: readonly (readonly PlannedEvent[])[];
  readonly oracle: Oracle;
  /** How long a handler waits, as for a database. */
  readonly handlerMs: number;
  /** Called when the last event has been handled. */
  readonly onAll: () => void;
}

/** The handler of a workload: raw events in the pool without order, envelopes in that of keys. */
export function receiver(judged: Judged): Type {
  const { kind, topics, oracle, senders, handlerMs, onAll } = judged;
  const total = senders.reduce((sum, events) => sum + events.length, 0);
  const note = kind === 'raw' ? rawNote(judged) : envelopeNote(judged);
  const take = (data: unknown, context: EventContext): void => {
    note(data, context);
    if (oracle.received === total) onAll();
  };
  class Receiver {
    handle(data: unknown, context: EventContext): void | Promise<void> {
      if (handlerMs > 0) return sleep(handlerMs).then(() => take(data, context));
      return take(data, context);
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Receiver.prototype, 'handle');
  if (descriptor === undefined) throw new Error('the receiver has no handler');
  EventHandler([...topics], { pool: kind === 'raw' ? 'global' : 'keyed' })(Receiver.prototype, 'handle', descriptor);
  return Receiver;
}

type Note = (data: unknown, context: EventContext) => void;

function rawNote({ oracle, senders }: Judged): Note {
  const perSender = senders[0]?.length ?? 0;
  return (data) => {
    const { topic, sequence } = readRawBody(data as Uint8Array);
    oracle.arrived(topic * perSender + sequence - 1, undefined, sequence);
  };
}

function envelopeNote({ oracle, senders }: Judged): Note {
  const perSender = senders[0]?.length ?? 0;
  return (data, { key }) => {
    const { aggregate, version } = data as { aggregate: string; version: number };
    if (key !== aggregate) throw new Error(`the key of ${aggregate} arrived as ${key}`);
    oracle.arrived(Number(aggregate.slice('aggregate-'.length)) * perSender + version - 1, aggregate, version);
  };
}
