import { setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import { HandleRegister } from '../../../lib/core/handle-register.js';
import { SILENT_LOGGER, type BusLogger } from '../../../lib/core/logger.js';
import type { Codec } from '../../../lib/envelope/codec.js';
import { EventDefaults } from '../../../lib/envelope/event-defaults.js';
import { Publisher } from '../../../lib/publishing/publisher.js';
import type { PublisherContext } from '../../../lib/publishing/publisher.options.js';
import type { OutgoingMessage } from '../../../lib/transport/message.js';
import type { PublisherPort } from '../../../lib/transport/transport.js';

/** Writes data as JSON, and nothing else. */
export const plainCodec: Pick<Codec, 'encode' | 'name'> & Codec = {
  name: 'plain',
  encode: ({ data }) => ({ body: JSON.stringify(data), headers: [] }),
  read: () => {
    throw new Error('not for reading');
  },
  decode: () => {
    throw new Error('not for reading');
  },
};

/** One call of the transport. */
export interface Sent {
  readonly message: OutgoingMessage;
  readonly slot: number;
}

/** A transport that notes what it is given; tests answer by hand. */
export class FakeTransport {
  readonly name = 'fake';
  maxMessageBytes: number | undefined = undefined;
  /** Everything that was sent, in order. */
  readonly sent: Sent[] = [];
  /** What was sent and not answered. */
  readonly open: Sent[] = [];
  /** Called within `publish`. */
  onPublish: ((sent: Sent) => void) | undefined;
  port!: PublisherPort;
  #offset = 0;

  publish(message: OutgoingMessage, slot: number): void {
    const sent = { message, slot };
    this.sent.push(sent);
    this.open.push(sent);
    this.onPublish?.(sent);
  }

  /** Confirms what is open, or only some of it. */
  confirm(which: (id: string) => boolean = () => true): void {
    for (const { slot } of this.take(which)) this.port.confirmed(slot, { partition: 0, offset: this.#offset++ }, false);
  }

  fail(how: 'unsent' | 'unknown' | 'rejected', which: (id: string) => boolean = () => true): void {
    for (const { slot } of this.take(which)) this.port.failed(slot, how, new Error(`${how} by the fake`));
  }

  take(which: (id: string) => boolean): Sent[] {
    const all = this.open.splice(0);
    this.open.push(...all.filter(({ message }) => !which(message.id)));
    return all.filter(({ message }) => which(message.id));
  }

  get ids(): string[] {
    return this.sent.map(({ message }) => message.id);
  }
}

export interface SetupOptions extends Partial<PublisherContext['ack']> {
  readonly logger?: BusLogger;
  readonly now?: () => number;
}

export interface Setup {
  readonly publisher: Publisher;
  readonly transport: FakeTransport;
  readonly handles: HandleRegister;
}

/** A publisher that is open, on a fake transport. */
export function setup({ logger = SILENT_LOGGER, now, ...ack }: SetupOptions = {}): Setup {
  const handles = new HandleRegister();
  const publisher = new Publisher({
    bus: 'test',
    ack: {
      workers: 2,
      maxPending: 100_000,
      maxPendingBytes: 64 * 1024 * 1024,
      resultBufferSize: 100_000,
      timeoutMs: 30_000,
      ...ack,
    },
    handles,
    logger,
    ...(now === undefined ? {} : { now }),
  });
  const transport = new FakeTransport();
  transport.port = publisher.port;
  publisher.attach({ transport, codec: plainCodec, defaults: new EventDefaults('test') });
  publisher.open();
  return { publisher, transport, handles };
}

/** Lets everything that is under way end. */
export async function settled(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i += 1) await turn();
}

/** Lets faked time pass, and what it sets off end. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

/** Closes under faked timers. */
export async function closeInFakedTime({ publisher }: Setup): Promise<void> {
  const state = { isClosed: false };
  const closing = publisher.close(10).finally(() => {
    state.isClosed = true;
  });
  while (!state.isClosed) await pass(100);
  await closing;
}
