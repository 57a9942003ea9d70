import { AuthenticationError, AuthorizationError, EventBusError, toError } from '../../../core/errors.js';

const TRANSPORT = 'Kafka';
const AUTHENTICATION = ['KafkaJSSASLAuthenticationError', 'SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM'];
const NOT_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

interface ClientError extends Error {
  readonly type?: unknown;
  readonly code?: unknown;
  readonly errors?: unknown;
}

/** kafkajs wraps what happened up to three times over; this is what happened. */
export function rootOf(error: unknown): ClientError {
  let root: ClientError = toError(error);
  while (root.cause instanceof Error && root.cause !== root) root = root.cause;
  const several = root.errors;
  return Array.isArray(several) && several[0] instanceof Error ? rootOf(several[0]) : root;
}

/** Kafka's name of the error (`UNKNOWN_MEMBER_ID`), the system's (`ECONNREFUSED`), or the class's. */
export function errorType(error: unknown): string {
  const root = rootOf(error);
  if (typeof root.type === 'string') return root.type;
  return typeof root.code === 'string' ? root.code : root.name;
}

/** Whether trying again with the same credentials is of no use. */
export function isAuthentication(error: unknown): boolean {
  const root = rootOf(error);
  return AUTHENTICATION.includes(root.name) || AUTHENTICATION.includes(errorType(error));
}

/** Whether the broker's certificate, or ours, is what is wrong. */
export function isCertificate(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^ERR_(TLS|SSL|OSSL)/.test(errorType(error));
}

/** Whether the request has certainly not left this process. */
export function isUnsent(error: unknown): boolean {
  const root = rootOf(error);
  if (NOT_SENT.includes(errorType(error)) || isAuthentication(error) || isCertificate(error)) return true;
  return root.name === 'KafkaJSConnectionError' && /^(Connection timeout|Not connected)/.test(root.message);
}

/** The typed error for what trying again cannot mend, where it is one of those; else the error itself. */
export function typedError(error: unknown, doing: string): Error {
  const root = rootOf(error);
  if (isAuthentication(error)) return new AuthenticationError(TRANSPORT, root);
  if (isCertificate(error)) {
    return new EventBusError(
      'EVENT_BUS_CONNECTION_FAILED',
      `The TLS connection to Kafka failed: ${errorType(error)}.`,
      { cause: root },
    );
  }
  if (errorType(error).endsWith('_AUTHORIZATION_FAILED')) return new AuthorizationError(TRANSPORT, doing, root);
  return root;
}
