/** A consumer that one instance of a group owns at a time, as claims see it. */
export interface Seat {
  /** Of its claim. */
  readonly key: string;
  /** For logs and health. */
  readonly name: string;
  /** Whether it is settled enough to be given to another instance. */
  readonly canMove: boolean;
  /** Ours from now on: what the owner before left is to be taken over. */
  gained(): void;
  /** Drains it: nothing more is asked for, what runs ends, all of it is settled. Ours until it resolves. Never rejects. */
  release(): Promise<void>;
  /** Somebody else's already: everything of it is dropped at once. Idempotent. */
  lost(): void;
}
