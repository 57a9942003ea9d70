import type { Channel } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** Everything that is published on a channel from now until the test ends. */
export function recordChannel(channel: Channel): unknown[] {
  const messages: unknown[] = [];
  const record = (message: unknown) => void messages.push(message);
  channel.subscribe(record);
  onTestFinished(() => {
    channel.unsubscribe(record);
  });
  return messages;
}
