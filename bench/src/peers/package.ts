import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Peer } from './contract.js';

/** Peers that want a Nest or a client of their own: each is a package in bench/peers, installed when it is wanted. */
export type PeerPackage = 'horizon' | 'nestjs-plugins';

export function folderOf(name: PeerPackage): string {
  return join(bench(), 'peers', name);
}

/** Loads what `installPeer()` has compiled. */
export async function loadPeer(name: PeerPackage): Promise<Peer> {
  const compiled = join(folderOf(name), 'dist', 'peers', name, 'adapter.js');
  const { PEER }: { PEER: Peer } = await import(pathToFileURL(compiled).href);
  return PEER;
}

/** The folder of the bench, seen from its source and from what is compiled. */
function bench(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'start.mjs'))) return folder;
  throw new Error(`${import.meta.dirname} is not inside of the bench`);
}
