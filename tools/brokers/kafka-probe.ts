import { connect } from 'node:net';

const API_VERSIONS = 18;
const PRODUCE = 0;
const FETCH = 1;

/** ApiVersions v0, correlation id 1, no client id, behind its length. */
const REQUEST = Buffer.from([0, 0, 0, 10, 0, API_VERSIONS, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

/**
 * The release a plaintext broker belongs to, told by the requests it takes: '3.x', '4.0', '4.1 or later'; `undefined`
 * when nothing that speaks Kafka answers within two seconds. Kafka does not say its version on the wire.
 */
export function probeKafka(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write(REQUEST));
    let bytes = Buffer.alloc(0);
    const end = (release?: string): void => {
      socket.destroy();
      resolve(release);
    };
    socket.setTimeout(2_000, () => end());
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) end(releaseOf(bytes));
    });
  });
}

/** Reads length, correlation id, error code, then (api, lowest, highest) of each request. */
function releaseOf(response: Buffer): string | undefined {
  if (response.length < 14 || response.readInt32BE(4) !== 1 || response.readInt16BE(8) !== 0) return undefined;

  const versions = new Map<number, { lowest: number; highest: number }>();
  for (let index = 0; index < response.readInt32BE(10); index += 1) {
    const at = 14 + index * 6;
    versions.set(response.readInt16BE(at), {
      lowest: response.readInt16BE(at + 2),
      highest: response.readInt16BE(at + 4),
    });
  }
  if ((versions.get(FETCH)?.lowest ?? 0) < 4) return '3.x';
  return (versions.get(PRODUCE)?.highest ?? 0) >= 13 ? '4.1 or later' : '4.0';
}
