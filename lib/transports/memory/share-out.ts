/**
 * Who is to own each partition of one topic: as even as it goes, and whoever owns one keeps it where that does not make it uneven.
 * @param owners the owner of each partition now
 * @param members who may own any, in the order they joined; when there is none, nobody owns anything
 * @param load what a member has of other topics: who has least gets what does not divide evenly
 */
export function shareOut<M>(
  owners: readonly (M | undefined)[],
  members: readonly M[],
  load: (member: M) => number,
): (M | undefined)[] {
  if (members.length === 0) return owners.map(() => undefined);

  const room = quotas(owners, members, load);
  const shares = owners.map((owner) => (owner !== undefined && take(room, owner) ? owner : undefined));
  return shares.map((owner) => owner ?? members.find((member) => take(room, member)));
}

function quotas<M>(
  owners: readonly (M | undefined)[],
  members: readonly M[],
  load: (member: M) => number,
): Map<M, number> {
  const each = Math.floor(owners.length / members.length);
  const surplus = owners.length % members.length;
  const owned = (member: M): number => owners.filter((owner) => owner === member).length;
  const preferred = members.toSorted((a, b) => load(a) - load(b) || owned(b) - owned(a)).slice(0, surplus);
  return new Map(members.map((member) => [member, each + (preferred.includes(member) ? 1 : 0)]));
}

function take<M>(room: Map<M, number>, member: M): boolean {
  const left = room.get(member) ?? 0;
  if (left === 0) return false;
  room.set(member, left - 1);
  return true;
}
