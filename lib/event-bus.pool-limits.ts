import type { CreditLimits } from './dispatch/credit.js';
import type { ResolvedOptions, ResolvedPoolOptions } from './event-bus.resolve-options.js';
import type { WorkerPool } from './pools/worker-pool.js';

/** How much may be in hand: as the options say, or following the pools' workers, which can be changed while running. */
export class PoolLimits implements CreditLimits {
  constructor(
    private readonly options: ResolvedOptions['pools'],
    private readonly pools: { readonly global: WorkerPool; readonly keyed: WorkerPool },
  ) {}

  get globalQueueSize(): number {
    return queueSizeOf(this.options.global, this.pools.global);
  }

  get keyedQueueSize(): number {
    return queueSizeOf(this.options.keyed, this.pools.keyed);
  }

  get queueSizePerKey(): number {
    return this.options.keyed.queueSizePerKey;
  }

  get queueSizeBytes(): number {
    return this.options.queueSizeBytes;
  }
}

function queueSizeOf({ queueSize, queueSizePerWorker }: ResolvedPoolOptions, { state }: WorkerPool): number {
  return queueSize ?? queueSizePerWorker * state.workers;
}
