import { MsgHdrsImpl } from '@nats-io/transport-node';
import { JSON_TYPE, SOURCE } from '../measure/events.js';

/** Headers that were written by hand: the client asks for their bytes and for nothing else. */
export class HeaderBytes extends MsgHdrsImpl {
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    super();
    this.#bytes = Buffer.from(text, 'latin1');
  }

  override encode(): Uint8Array {
    return this.#bytes;
  }
}

/** `Nats-Msg-Id` and the CloudEvents attributes that the library writes. */
export function headerText(
  topic: string,
  event: { readonly id: string; readonly key: string; readonly time: string },
): string {
  return `NATS/1.0\r\nNats-Msg-Id: ${event.id}\r\nce-specversion: 1.0\r\nce-id: ${event.id}\r\nce-source: ${SOURCE}\r\nce-type: ${topic}\r\nce-time: ${event.time}\r\nce-datacontenttype: ${JSON_TYPE}\r\nce-partitionkey: ${event.key}\r\n\r\n`;
}
