import type { RestartTest } from '../subject.js';
import { keysOf } from '../tools.js';

/** What the suite holds about a broker that goes away and comes back; run where an environment can restart its own. */
export const RESTART: readonly RestartTest[] = [
  {
    name: 'loses nothing and keeps the order when the broker is restarted, and goes on by itself',
    run: async (t, restart) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const app = await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic) }] });
      await t.publishNumbered(app, topic, keysOf(5), 10);
      await t.handled(50);

      await Promise.all([t.publishNumbered(app, topic, keysOf(5), 20, 11), restart()]);
      await t.publishNumbered(app, topic, keysOf(5), 5, 31);
      await t.eventually(() => t.expect(t.recorder.verdict().handled).toBe(175), 2.5);

      await t.eventually(() => t.expect(app.snapshot().transport.status.state).toBe('connected'));
      const { lost, orderViolations, gaps } = t.recorder.verdict();
      t.expect({ lost, orderViolations, gaps }).toEqual({ lost: [], orderViolations: [], gaps: [] });
    },
  },
];
