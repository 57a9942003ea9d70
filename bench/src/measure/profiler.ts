import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const SAMPLE_MICROS = 200;

/** A CPU profile of what meters measure, in this process, when somebody has asked for one. */
export class Profiler {
  static #file: string | undefined;
  static #session: Session | undefined;

  /** The next time a meter runs is profiled into this file. */
  static ask(file: string | undefined): void {
    Profiler.#file = file;
  }

  static start(): void {
    if (Profiler.#file === undefined) return;
    const session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
    session.post('Profiler.start');
    Profiler.#session = session;
  }

  static stop(): void {
    const [file, session] = [Profiler.#file, Profiler.#session];
    if (file === undefined || session === undefined) return;
    Profiler.#session = undefined;
    session.post('Profiler.stop', (error, stopped) => {
      if (error === null) writeFileSync(file, JSON.stringify(stopped.profile));
    });
    session.disconnect();
  }
}
