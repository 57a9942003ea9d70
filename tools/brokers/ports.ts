import getPort, { portNumbers } from 'get-port';

/**
 * Below the range the kernel takes outgoing ports from (32768 on Linux): a client that keeps dialling a stopped broker
 * can otherwise be given the broker's own port, connect to itself, and keep the broker from coming back.
 */
const FIRST = 20_000;
const LAST = 32_000;
const SPAN = 200;

/** A port on 127.0.0.1 that was free when asked; who binds it later must expect to have lost the race. */
export async function freePort(): Promise<number> {
  const from = FIRST + Math.floor(Math.random() * (LAST - FIRST - SPAN));
  return getPort({ host: '127.0.0.1', port: portNumbers(from, from + SPAN) });
}
