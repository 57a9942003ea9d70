import { AssignerProtocol } from 'kafkajs';
import type { Assignment, Claims, PartitionsByTopic } from './driver.js';

/**
 * The name under which members agree on our assigner, and the form of what they tell each other: Kafka's consumer protocol,
 * version 0, with JSON as its user data. Fixed for ever: instances of different releases share a group during a deploy.
 */
export const PROTOCOL = 'bus-sticky';

const PROTOCOL_VERSION = 0;
const DATA_VERSION = 1;

/** What one member told the leader. */
export interface MemberState extends Claims {
  readonly memberId: string;
  readonly topics: ReadonlySet<string>;
}

/** What the leader tells beside the partitions. */
export interface AssignmentNotes {
  readonly expectMore: boolean;
  readonly isNewGroup: boolean;
}

export function encodeMember(topics: readonly string[], { generation, owned }: Claims): Buffer {
  const userData = Buffer.from(JSON.stringify({ v: DATA_VERSION, g: generation, o: owned }));
  return AssignerProtocol.MemberMetadata.encode({ version: PROTOCOL_VERSION, topics: [...topics], userData });
}

/** A member whose user data cannot be read claims nothing. */
export function decodeMember(memberId: string, metadata: Buffer): MemberState {
  const member = AssignerProtocol.MemberMetadata.decode(metadata);
  const data = parsed(member?.userData);
  return {
    memberId,
    topics: new Set(member?.topics),
    generation: typeof data['g'] === 'number' ? data['g'] : -1,
    owned: partitionsOf(data['o']),
  };
}

export function encodeAssignment(partitions: PartitionsByTopic, { expectMore, isNewGroup }: AssignmentNotes): Buffer {
  const assignment = Object.fromEntries(Object.entries(partitions).map(([topic, list]) => [topic, [...list]]));
  const userData = Buffer.from(JSON.stringify({ v: DATA_VERSION, more: expectMore, new: isNewGroup }));
  return AssignerProtocol.MemberAssignment.encode({ version: PROTOCOL_VERSION, assignment, userData });
}

/** Another assigner's assignment has no notes. An empty one is a member without partitions. */
export function decodeAssignment(bytes: Buffer): Assignment {
  const assignment = bytes.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(bytes);
  const data = parsed(assignment?.userData);
  return {
    partitions: assignment?.assignment ?? {},
    expectMore: data['more'] === true,
    isNewGroup: typeof data['new'] === 'boolean' ? data['new'] : undefined,
  };
}

function parsed(userData: Buffer | null | undefined): Record<string, unknown> {
  if (!userData || userData.length === 0) return {};
  try {
    const value: unknown = JSON.parse(userData.toString('utf8'));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function partitionsOf(value: unknown): PartitionsByTopic {
  if (typeof value !== 'object' || value === null) return {};
  const lists = Object.entries(value).filter((entry): entry is [string, number[]] => Array.isArray(entry[1]));
  return Object.fromEntries(
    lists.map(([topic, list]) => [topic, list.filter((id) => Number.isInteger(id) && id >= 0)]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
