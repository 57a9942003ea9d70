import type { ContractTest } from '../subject.js';
import { keysOf } from '../tools.js';

/** What the suite holds about a broker that goes away and comes back; for environments that can restart theirs. */
export const RESTART: readonly ContractTest[] = [
  {
    name: 'loses nothing and keeps the order when the broker is restarted, and goes on by itself',
    appliesTo: ({ restarts }) => restarts,
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const app = await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic) }] });
      await t.publishNumbered(app, topic, keysOf(5), 10);
      await t.handled(50);

      await Promise.all([t.publishNumbered(app, topic, keysOf(5), 20, 11), t.env.restart?.()]);
      await t.publishNumbered(app, topic, keysOf(5), 5, 31);
      await t.handled(175, 2.5);

      await t.eventually(() => t.expect(app.snapshot().transport.status.state).toBe('connected'));
      const { lost, orderViolations, gaps } = t.recorder.verdict();
      t.expect({ lost, orderViolations, gaps }).toEqual({ lost: [], orderViolations: [], gaps: [] });
    },
  },
];
