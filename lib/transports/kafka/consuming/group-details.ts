import type { GroupFetch } from './group-fetch.js';

/** What health shows of a group. */
export function detailsOf({
  ownership,
  committer,
  maps,
  logs,
  overshootMax,
}: GroupFetch): Readonly<Record<string, unknown>> {
  const { counts, epoch } = ownership;
  return {
    memberId: epoch?.memberId,
    generation: epoch?.generation,
    protocol: epoch?.protocol,
    assigned: [...ownership.sources].map((source) => ({
      name: source.name,
      state: source.state,
      lag: source.progress.lag,
      uncommitted: source.frontier.uncommitted,
      mapBytes: source.mapBytes,
      isMapFull: source.isMapFull,
      held: source.held,
    })),
    ...counts,
    ...committer.counts,
    ...logs.counts,
    maps: maps.counts,
    overshootMax,
  };
}
