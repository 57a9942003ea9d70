/** What a commit of ours carries beside the offset. */
export interface CommitNote {
  /** Where the group began when it was created, as `startFromText` writes it; undefined where nobody has noted it. */
  readonly began: string | undefined;
  /** The bus's own text, or somebody else's: not to be trusted without a check. */
  readonly text: string;
}

/** Fixed for ever: instances of different releases read each other's commits. */
const NOTE = /^bus\/1 (\S+)(?: (.*))?$/s;

/** `bus/1 latest`, then a space and the text if there is one; without a beginning the text alone. */
export function encodeNote({ began, text }: CommitNote): string {
  if (began === undefined) return text;
  return text === '' ? `bus/1 ${began}` : `bus/1 ${began} ${text}`;
}

/** What is written otherwise is all text. */
export function decodeNote(metadata: string): CommitNote {
  const [, began, text = ''] = NOTE.exec(metadata) ?? [];
  return began === undefined ? { began, text: metadata } : { began, text };
}
