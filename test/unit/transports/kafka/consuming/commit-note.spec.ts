import { describe, expect, it } from 'vitest';
import { decodeNote, encodeNote } from '../../../../../lib/transports/kafka/consuming/commit-note.js';

describe('What a commit carries beside the offset', () => {
  it.each([
    ['bus/1 latest', { began: 'latest', text: '' }],
    ['bus/1 2026-01-02T03:04:05.000Z', { began: '2026-01-02T03:04:05.000Z', text: '' }],
    ['bus/1 earliest a map\nof what is done', { began: 'earliest', text: 'a map\nof what is done' }],
    ['a map alone', { began: undefined, text: 'a map alone' }],
    ['', { began: undefined, text: '' }],
  ])('%j is read as it was written', (metadata, note) => {
    expect(decodeNote(metadata)).toEqual(note);
    expect(encodeNote(note)).toBe(metadata);
  });

  it.each(['bus/2 latest', 'bus/1', 'bus/1 ', 'xbus/1 latest'])('%j is somebody else’s', (metadata) => {
    expect(decodeNote(metadata)).toEqual({ began: undefined, text: metadata });
  });
});
