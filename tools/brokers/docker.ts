import { fileURLToPath } from 'node:url';
import { run } from './command.js';

/** The project's own. */
export const COMPOSE_FILE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));

/** The services of docker-compose.yml. */
export type ComposeService = 'kafka' | 'nats';

/** Whether an engine answers and `docker compose` is there. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await run('docker', ['info'], { timeoutMs: 10_000 });
    await run('docker', ['compose', 'version'], { timeoutMs: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Brings one service of docker-compose.yml up, healthy, on this host port.
 * @returns what takes it down again, with its volumes
 * @throws Error with what docker said
 */
export async function composeUp(service: ComposeService, port: number): Promise<() => Promise<void>> {
  const project = `eventbus-${service}-${port}`;
  const compose = ['compose', '-p', project, '-f', COMPOSE_FILE];
  const env = { ...process.env, [`EVENTBUS_${service.toUpperCase()}_PORT`]: String(port) };
  const down = async (): Promise<void> => {
    await run('docker', [...compose, 'down', '--volumes'], { env });
  };

  try {
    await run('docker', [...compose, 'up', '-d', '--wait', service], { env, timeoutMs: 600_000 });
  } catch (error) {
    await down();
    throw error;
  }
  return down;
}
