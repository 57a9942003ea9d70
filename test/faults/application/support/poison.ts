import type { ContractCapabilities, RawMessage } from '../../../../lib/testing/contract/subject.js';
import { RECEIVED } from '../../../../lib/testing/contract/promises/bad-input.js';

/** One of everything that cannot be decoded. Its key is to be the event's. */
export function poisonFor(capabilities: ContractCapabilities): readonly Omit<RawMessage, 'key'>[] {
  return RECEIVED.filter(({ becomes, appliesTo }) => {
    return becomes === 'dead letter' && (appliesTo?.(capabilities) ?? true);
  }).map(({ message: { body, headers = [] } }) => ({ body, headers }));
}
