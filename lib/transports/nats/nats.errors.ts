import { errors } from '@nats-io/transport-node';
import { AuthenticationError, AuthorizationError, EventBusError, NotConnectedError } from '../../core/errors.js';
import type { Redactor } from './redactor.js';

export const NATS = 'NATS';

/** The client's word for what the server does not permit. */
export type PermissionViolation = InstanceType<typeof errors.PermissionViolationError>;

const TLS_REFUSED_US =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_(EXPIRED|UNKNOWN|REVOKED)|HANDSHAKE_FAILURE|ACCESS_DENIED)|alert (bad certificate|certificate required)/i;
const TLS_NOT_TRUSTED =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)|ERR_TLS_CERT_ALTNAME|HOSTNAME_MISMATCH|ERR_OSSL_|ERR_SSL_WRONG_VERSION)/;

/** The broker is there, or not even a wrong one is, and trying again would not help. */
export class NatsConnectionFailedError extends EventBusError {
  constructor(why: string, cause: unknown) {
    super('EVENT_BUS_CONNECTION_FAILED', `Cannot connect to ${NATS}: ${why}.`, { cause });
  }
}

/**
 * Why a connection could not be made, or ended, without secrets: AuthenticationError and NatsConnectionFailedError are for somebody
 * to mend; a NotConnectedError mends itself.
 */
export function connectionError(thrown: unknown, redactor: Redactor): EventBusError {
  const cause = redactor.error(thrown);
  const told = `${codeOf(thrown)} ${cause.message} ${codeOf(thrown instanceof Error ? thrown.cause : undefined)}`;
  if (isAuthentication(thrown) || TLS_REFUSED_US.test(told)) return new AuthenticationError(NATS, cause);
  if (TLS_NOT_TRUSTED.test(told.trim()))
    return new NatsConnectionFailedError(`the server's certificate is not to be trusted (${cause.message})`, cause);
  if (thrown instanceof errors.InvalidArgumentError) return new NatsConnectionFailedError(cause.message, cause);
  if (/does not support 'tls'|tls.* is not available/i.test(cause.message))
    return new NatsConnectionFailedError('the server has no TLS', cause);
  return new NotConnectedError(NATS, cause);
}

/** Whether trying again may help without anybody's doing. */
export function isTransient(error: EventBusError): boolean {
  return error.retryable;
}

/** What a server said while the connection goes on: a permission it does not give. */
export function permissionError(error: PermissionViolation): AuthorizationError {
  const what = error.operation === 'publish' ? `publishing to "${error.subject}"` : `subscribing to "${error.subject}"`;
  return new AuthorizationError(NATS, what, error);
}

function isAuthentication(thrown: unknown): boolean {
  if (thrown instanceof errors.AuthorizationError || thrown instanceof errors.UserAuthenticationExpiredError)
    return true;
  return (
    thrown instanceof Error &&
    /unable to parse credentials|invalid (seed|encod|prefix|checksum)|illegal seed/i.test(thrown.message)
  );
}

function codeOf(thrown: unknown): string {
  const code: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
