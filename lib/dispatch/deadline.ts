import type { HandleRegister } from '../core/handle-register.js';

/**
 * Waits for a call back, but not for longer than a deadline.
 * @param start is given what to call when it is done; may call it at once
 * @returns whether it was done in time; its timer is registered, and cleared as soon as it is done
 */
export function inTime(
  handles: HandleRegister,
  name: string,
  deadlineMs: number,
  start: (done: () => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const handle = handles.open('timer', name);
    const end = (isInTime: boolean) => {
      clearTimeout(timer);
      handle.closed();
      resolve(isInTime);
    };
    const timer = setTimeout(() => end(false), deadlineMs);
    start(() => end(true));
  });
}
