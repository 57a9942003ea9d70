import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { type HistoryRecord, lineOf } from './records.js';

const CHUNK_BYTES = 1_048_576;

/**
 * The file that every process of a run appends to. Each append is one synchronous write with O_APPEND, so that kill -9 loses no record, and
 * the order of the file is the order of events.
 */
export class HistoryWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(...records: readonly HistoryRecord[]): void {
    if (records.length > 0) writeSync(this.#file, records.map(lineOf).join(''));
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads what was appended since the last look. */
export class HistoryReader {
  readonly #file: number;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #offset = 0;
  /** The begin of a line whose end was not there yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
  }

  /** Bytes that are not read yet. */
  get behindBytes(): number {
    return fstatSync(this.#file).size - this.#offset;
  }

  /** @param take gets every complete line, parsed, in order */
  read(take: (record: HistoryRecord) => void): void {
    for (;;) {
      const bytes = readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, this.#offset);
      if (bytes === 0) return;
      this.#offset += bytes;
      const text = Buffer.concat([this.#rest, this.#chunk.subarray(0, bytes)]);
      const end = text.lastIndexOf(10) + 1;
      this.#rest = text.subarray(end);
      for (const line of text.toString('utf8', 0, end).split('\n')) {
        if (line !== '') take(JSON.parse(line) as HistoryRecord);
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
