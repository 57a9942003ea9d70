const POLYNOMIAL = 0x82f63b78;
/** Bytes looked at in one step. */
const SLICES = 4;

/** Slice → byte → what it adds to the checksum. */
const TABLES: readonly Uint32Array[] = tables();

function tables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    return value;
  });
  const all = [first];
  for (let slice = 1; slice < SLICES; slice++) {
    const before = all[slice - 1]!;
    all.push(before.map((value) => (value >>> 8) ^ first[value & 0xff]!));
  }
  return all;
}

/** CRC-32C (Castagnoli) of a range of bytes, as Kafka's record batches carry it. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const [zero, one, two, three] = [TABLES[0]!, TABLES[1]!, TABLES[2]!, TABLES[3]!];
  let crc = -1;
  let at = from;
  for (const last = to - SLICES; at <= last; at += SLICES) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = three[crc & 0xff]! ^ two[(crc >>> 8) & 0xff]! ^ one[(crc >>> 16) & 0xff]! ^ zero[crc >>> 24]!;
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ zero[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
