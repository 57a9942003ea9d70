import type { Configuration } from '../measure/configuration.js';
import { throughputPair } from '../process/pair.js';
import { SERIAL_EVENTS, slow } from './handlers.js';
import { consuming, type LoadPeer, pairOf, publishing } from './nats.js';
import { NEST_NATS } from './nest.js';
import { loadPeer } from './package.js';

const by = 'peer';
/** Of the events that the others have: they are slower, and a repetition takes as long. */
const SHARE = 0.5;
const plugins: LoadPeer = () => loadPeer('nestjs-plugins');
const horizon: LoadPeer = () => loadPeer('horizon');
const nest: LoadPeer = () => Promise.resolve(NEST_NATS);

const PLUGINS = {
  by,
  needs: 'nestjs-plugins',
  note: 'one handler at a time; an event whose handler throws is dropped for good',
} as const;
const HORIZON = {
  by,
  needs: 'horizon',
  note: 'tells of no confirm; acknowledges before it handles, so that a crash or an error loses events; no limit on handlers at once, no order; writes neither Nats-Msg-Id nor our headers',
} as const;
const NEST = {
  by,
  note: 'core NATS: nothing is stored, confirmed or acknowledged, and who is not connected misses it; no limit on handlers at once, no order; the data are wrapped once more',
} as const;

export const NATS_PEERS: readonly Configuration[] = [
  {
    ...PLUGINS,
    id: 'nats/publish/nestjs-plugins',
    title: 'nestjs-plugins emit, 1,024 callers',
    run: (setting) => publishing(plugins, setting),
  },
  {
    ...HORIZON,
    id: 'nats/publish/horizon',
    title: 'Horizon emit, the connection flushed every 1,000',
    run: (setting) => publishing(horizon, setting),
  },
  {
    ...PLUGINS,
    id: 'nats/consume/nestjs-plugins',
    title: 'nestjs-plugins, acknowledged after it was handled',
    run: (setting) => consuming(plugins, setting, setting.scale.backlog * SHARE),
  },
  {
    ...HORIZON,
    id: 'nats/consume/horizon',
    title: 'Horizon',
    run: (setting) => consuming(horizon, setting, setting.scale.backlog * SHARE),
  },
  {
    ...PLUGINS,
    id: 'nats/slow/nestjs-plugins',
    title: 'nestjs-plugins, 10 ms handler',
    run: (setting) => consuming(plugins, setting, SERIAL_EVENTS, slow),
  },
  throughputPair(
    { ...PLUGINS, id: 'nats/pair/nestjs-plugins', title: 'nestjs-plugins emit and a handler' },
    pairOf(plugins),
    SHARE,
  ),
  throughputPair({ ...HORIZON, id: 'nats/pair/horizon', title: 'Horizon emit and a handler' }, pairOf(horizon), SHARE),
  throughputPair({ ...NEST, id: 'nats/pair/nest', title: 'Nest ClientNats.emit and ServerNats' }, pairOf(nest), SHARE),
];
