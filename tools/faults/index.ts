export { type Conditions } from './flow.js';
export {
  type Direction,
  FaultProxy,
  type FaultProxyOptions,
  type ProxyCounts,
  type ProxyFault,
  type Side,
  type Which,
} from './proxy.js';
export { type ProxiedKafka, type ProxiedNats, startKafkaBehindProxies, startNatsBehindProxy } from './proxied.js';
export { type NatsCluster, type NatsClusterOptions, startNatsCluster } from './nats-cluster.js';
