import { monotonicNow } from '../../../core/clock.js';
import { planAssignment } from '../consuming/assignment-plan.js';
import {
  decodeAssignment,
  decodeMember,
  encodeAssignment,
  encodeMember,
  PROTOCOL,
  type MemberState,
} from './assignment-wire.js';
import { errorType } from './client-errors.js';
import type { Assignment, Epoch, MemberHooks, MemberOptions, PartitionsByTopic } from './driver.js';
import { KafkajsCoordinator } from './group-coordinator.js';
import { Heartbeats } from './heartbeats.js';
import {
  type GroupBroker,
  type JoinAnswer,
  type JoinRequest,
  type MemberCluster,
  overridden,
  type SyncRequest,
} from './kafkajs-internals.js';

/** What a member's session needs of its connections. */
export interface MemberWires {
  /** Ends a fetch that waits for something to come, so that the member sees to its group. */
  interrupt(): void;
  /** Cuts all: what waits for an answer fails, and new ones are made. */
  cut(): void;
}

/**
 * A member's dealings with its group: what passes through the coordinator, in order: join, sync, heartbeats, leave. Keeps the epoch
 * that commits are signed with, which kafkajs's events do not carry.
 */
export class GroupSession {
  /** kafkajs's own list of what it subscribes to: the very array, so that adding to it extends a running member. */
  #topics: string[] = [];
  #newTopics: string[] = [];
  #broker: GroupBroker | undefined;
  #memberId = '';
  #joined: Pick<Epoch, 'generation' | 'memberId' | 'protocol'> | undefined;
  #epoch: Epoch | undefined;
  #phase: 'idle' | 'joining' | 'joined' | 'closed' = 'idle';
  #wantsRejoin = false;
  #expectsMore = false;
  readonly #heartbeats: Heartbeats;

  constructor(
    private readonly options: MemberOptions,
    private readonly hooks: MemberHooks,
    private readonly wires: MemberWires,
  ) {
    this.#heartbeats = new Heartbeats(options, {
      alive: (sentAt) => hooks.alive(sentAt),
      failed: (error) => this.#beatFailed(error),
      unanswered: () => wires.cut(),
    });
  }

  get isJoined(): boolean {
    return this.#phase === 'joined';
  }

  get isJoining(): boolean {
    return this.#phase === 'joining';
  }

  /** It wants to join again, or to end. */
  get isUrgent(): boolean {
    return this.#phase === 'closed' || (this.#wantsRejoin && this.#phase === 'joined');
  }

  /** How long leaving may take at most: its drain, in milliseconds. */
  get leaveTimeoutMs(): number {
    return this.options.rebalanceTimeoutMs;
  }

  joined(): void {
    if (this.#phase !== 'joining') return;
    this.#phase = 'joined';
    if (this.#epoch) this.#heartbeats.start(this.#epoch, this.#expectsMore ? 'quick' : 'usual');
  }

  rejoin(): void {
    this.#wantsRejoin = true;
    this.wires.interrupt();
  }

  subscribe(topics: readonly string[]): void {
    this.#newTopics.push(...topics);
    this.rejoin();
  }

  close(): void {
    this.#heartbeats.stop();
    this.#phase = 'closed';
  }

  /** What the fetch loop takes for a rebalance, and joins again. */
  throwIfRejoining(): void {
    if (!this.#wantsRejoin || this.#phase !== 'joined') return;
    this.#wantsRejoin = false;
    throw protocolError('REBALANCE_IN_PROGRESS', 'this member asks for another round', true);
  }

  /** For a member whose join was cut off. Best effort: a member that cannot leave is dropped after its session time-out. */
  async leave(): Promise<void> {
    await this.hooks.leaving();
    if (this.#memberId === '') return;
    await this.#broker?.leaveGroup({ groupId: this.options.groupId, memberId: this.#memberId });
  }

  wrap(broker: GroupBroker): GroupBroker {
    if (this.#phase === 'closed') throw protocolError('CLOSED', 'this member is stopping', false);
    this.#broker = broker;
    return overridden(broker, {
      joinGroup: (request) => this.#join(broker, request),
      syncGroup: (request) => this.#sync(broker, request),
      heartbeat: async (request) => this.#timed(() => broker.heartbeat(request)),
      leaveGroup: async (request) => {
        await this.hooks.leaving();
        this.#epoch = undefined;
        return broker.leaveGroup(request);
      },
    });
  }

  assigner(cluster: MemberCluster) {
    return {
      protocol: ({ topics }: { topics: string[] }) => {
        this.#topics = topics;
        return { name: PROTOCOL, metadata: encodeMember(topics, { generation: -1, owned: {} }) };
      },
      assign: ({ members }: { members: readonly { memberId: string; memberMetadata: Buffer }[] }) =>
        this.#assign(
          cluster,
          members.map(({ memberId, memberMetadata }) => decodeMember(memberId, memberMetadata)),
        ),
    };
  }

  async #join(broker: GroupBroker, request: JoinRequest): Promise<JoinAnswer> {
    this.#enter('joining');
    this.#wantsRejoin = false;
    this.#topics.push(...this.#newTopics.splice(0).filter((topic) => !this.#topics.includes(topic)));
    const claims = await this.hooks.joining(request.memberId);
    this.#epoch = undefined;
    this.#memberId = request.memberId;
    const groupProtocols = request.groupProtocols.map((protocol) =>
      protocol.name === PROTOCOL ? { name: PROTOCOL, metadata: encodeMember(this.#topics, claims) } : protocol,
    );
    const answer = await this.#timed(() => broker.joinGroup({ ...request, groupProtocols }));
    const { generationId, memberId, groupProtocol } = answer;
    this.#memberId = memberId;
    this.#joined = { generation: generationId, memberId, protocol: groupProtocol };
    return answer;
  }

  async #sync(broker: GroupBroker, request: SyncRequest): Promise<{ memberAssignment: Buffer }> {
    const answer = await this.#timed(() => broker.syncGroup(request));
    const assignment = decodeAssignment(answer.memberAssignment);
    if (this.#joined === undefined || this.#phase === 'closed') return answer;
    this.#epoch = { ...this.#joined, coordinator: new KafkajsCoordinator(broker, this.options.groupId) };
    await this.#accept(this.#epoch, { ...assignment, partitions: this.#subscribed(assignment.partitions) });
    this.#expectsMore = assignment.expectMore;
    return answer;
  }

  /** kafkajs would go on with its former assignment after any other error than a rebalance: what we were given would never be read. */
  async #accept(epoch: Epoch, assignment: Assignment): Promise<void> {
    try {
      await this.hooks.assigned(epoch, assignment);
    } catch (error) {
      const why = `the assignment could not be taken: ${errorType(error)}`;
      throw Object.assign(protocolError('REBALANCE_IN_PROGRESS', why, true), { cause: error });
    }
  }

  async #assign(cluster: MemberCluster, members: readonly MemberState[]) {
    const partitions = await this.#partitionsOf(cluster, [...new Set(members.flatMap(({ topics }) => [...topics]))]);
    const { assignments, withheld } = planAssignment(members, partitions);
    const isNewGroup = !(await this.#hasOffsets());
    const notes = { expectMore: withheld.length > 0, isNewGroup };
    return members.map(({ memberId }) => ({
      memberId,
      memberAssignment: encodeAssignment(assignments.get(memberId) ?? {}, notes),
    }));
  }

  async #hasOffsets(): Promise<boolean> {
    if (this.#broker === undefined) return false;
    return new KafkajsCoordinator(this.#broker, this.options.groupId).hasOffsets();
  }

  /** Foreign topics are looked up elsewhere: to ask this cluster for them would make them its own, and their deletion would poison it. */
  async #partitionsOf(cluster: MemberCluster, topics: readonly string[]): Promise<PartitionsByTopic> {
    const known = topics.map(
      (topic) => [topic, cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)] as const,
    );
    const foreign = known.filter(([, ids]) => ids.length === 0).map(([topic]) => topic);
    const found = foreign.length === 0 ? {} : await this.hooks.partitionsOf(foreign);
    return { ...Object.fromEntries(known.filter(([, ids]) => ids.length > 0)), ...found };
  }

  #subscribed(partitions: PartitionsByTopic): PartitionsByTopic {
    return Object.fromEntries(Object.entries(partitions).filter(([topic]) => this.#topics.includes(topic)));
  }

  /** What the group says beside a rebalance kafkajs finds out by a heartbeat of its own, which follows the fetch. */
  #beatFailed(error: unknown): void {
    if (errorType(error) === 'REBALANCE_IN_PROGRESS') this.rejoin();
    else this.wires.interrupt();
  }

  async #timed<T>(request: () => Promise<T>): Promise<T> {
    const sentAt = monotonicNow();
    const answer = await request();
    this.hooks.alive(sentAt);
    return answer;
  }

  #enter(phase: 'joining'): void {
    if (this.#phase === 'closed') throw protocolError('CLOSED', 'this member is stopping', false);
    this.#heartbeats.stop();
    this.#phase = phase;
  }
}

/** As kafkajs makes them, so that its loops take them for what they say. */
function protocolError(type: string, message: string, retriable: boolean): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSProtocolError', type, retriable });
}
