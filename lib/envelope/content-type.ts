/**
 * How a body is read:
 * - `json`: parsed; also when nothing is said
 * - `text`: a string, `text/*` in UTF-8
 * - `structured`: a CloudEvent as one JSON body
 * - `batch`: several CloudEvents in one body, which the bindings for Kafka and NATS do not have
 * - `bytes`: everything else, untouched
 */
export type BodyKind = 'json' | 'text' | 'structured' | 'batch' | 'bytes';

export const JSON_TYPE = 'application/json';
export const BYTES_TYPE = 'application/octet-stream';

/** What a content type says of a body; without one it is JSON. */
export function bodyKind(contentType: string | undefined): BodyKind {
  if (contentType === undefined || contentType === JSON_TYPE) return 'json';
  const [media = '', ...parameters] = contentType.toLowerCase().split(';');
  const type = media.trim();
  if (type.startsWith('application/cloudevents')) return cloudEventsKind(type);
  if (type === JSON_TYPE || type === 'text/json' || type.endsWith('+json')) return 'json';
  return type.startsWith('text/') && parameters.every(isUtf8Parameter) ? 'text' : 'bytes';
}

function cloudEventsKind(type: string): BodyKind {
  if (type.startsWith('application/cloudevents-batch')) return 'batch';
  return type === 'application/cloudevents' || type === 'application/cloudevents+json' ? 'structured' : 'bytes';
}

/** Text in another charset is handed over as bytes rather than guessed at. */
function isUtf8Parameter(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=');
  if (name.trim() !== 'charset') return true;
  return ['utf-8', 'utf8', 'us-ascii'].includes(value.trim().replaceAll('"', ''));
}
