import type { Envelope } from '../envelope/envelope.js';
import type { HandlerRegistration } from '../handlers/registration.js';
import { DeliveryTask } from './delivery-task.js';
import type { LetterStage, Next } from './delivery-task.js';
import type { InFlight } from './in-flight.js';

/** What handler tasks need of the stage that runs them. */
export interface RunStage extends LetterStage {
  run(task: HandlerTask): Next | Promise<Next>;
}

/** One event for one handler: what the pools are given. */
export class HandlerTask extends DeliveryTask {
  attempt = 0;

  constructor(
    private readonly stage: RunStage,
    inFlight: InFlight,
    readonly registration: HandlerRegistration,
    readonly envelope: Envelope,
  ) {
    super(stage, inFlight);
  }

  get handler(): string {
    return this.registration.name;
  }

  protected start(): Next | Promise<Next> {
    return this.stage.run(this);
  }
}
