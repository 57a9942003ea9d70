import type { ConsumerState } from './consumer.state.js';
import type { PullLoop, PullRequest } from './pull-loop.js';

/** The largest `max_bytes` worth asking for at a time. */
const MOST_BYTES = 2 ** 30;

/** What to ask for now, or undefined: never more than the credit, refilled when half of what may be out has come. */
export function nextPull(state: ConsumerState, loop: PullLoop): PullRequest | undefined {
  const { source } = state;
  const { identity, lease } = state.ownership;
  if (!loop.mayPull) return undefined;
  if (!state.isFetching || source === undefined || lease !== 'held') return undefined;

  const { pulls } = loop;
  const most = state.context.options.pullBatch;
  const messages = Math.min(source.credit.messages, most) - pulls.requested;
  const bytes = Math.min(source.credit.bytes, MOST_BYTES) - pulls.requestedBytes;
  if (messages <= 0 || bytes < source.fetchBytes) return undefined;
  // A small request waits for the answer to the one before it: what comes free meanwhile makes it larger.
  if (pulls.requested > 0 && messages < Math.min(most, source.largestCredit) / 2) return undefined;
  return { messages, bytes: Math.max(source.fetchBytes, Math.floor(bytes / 2)), wait: true, identity };
}
