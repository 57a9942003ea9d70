import type { Meter } from './meter.js';
import { Oracle } from './oracle.js';

/** An oracle that starts a meter with the first event. */
export class MeteredOracle extends Oracle {
  constructor(
    target: number,
    readonly meter: Meter,
    keys?: number,
    laneOf?: (n: number) => number,
  ) {
    super(target, keys, laneOf);
  }

  override begin(): void {
    if (this.firstAt === 0) this.meter.start();
    super.begin();
  }
}
