import { codeOf, type JetStreamApi, STREAM_NOT_FOUND } from './jetstream-api.js';

/**
 * Where a group goes on whose durable was deleted: at the first event it had not settled. Undefined, which is where a new group begins, when the stream
 * was made anew too: its sequences begin again.
 */
export async function sequenceAfterLoss(api: JetStreamApi, stream: string, next: number): Promise<number | undefined> {
  try {
    const { state } = await api.ask((manager) => manager.streams.info(stream));
    return state.last_seq >= next - 1 && next > 1 ? next : undefined;
  } catch (error) {
    if (codeOf(error) === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}
