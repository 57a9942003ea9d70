/** As health shows it. */
export interface ClaimsState {
  readonly group: string;
  /** Id of this member, new after each loss of the membership. */
  readonly member: string;
  readonly members: number;
  readonly owned: number;
  readonly lease: 'held' | 'lost';
  /** For how long it would last without another heartbeat, in milliseconds. */
  readonly leaseLeftMs: number;
  readonly gained: number;
  readonly released: number;
  readonly lost: number;
  /** Times the server had let go of us. */
  readonly evictions: number;
  /** Why nothing runs, while nothing may. */
  readonly trouble?: string;
}
