import { z } from 'zod';

/** Longest time any option may say, in milliseconds: what a Node timer can wait for, about 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** A wait in milliseconds. */
export const waitMs = z.number().min(0).max(MAX_TIMER_MS);

/** A deadline in milliseconds. */
export const deadlineMs = z.number().min(1).max(MAX_TIMER_MS);

/** What `retry` may be, in the module and in a handler. */
export const retrySchema = z.strictObject({
  maxAttempts: z.int().min(1).optional(),
  initialDelayMs: waitMs.optional(),
  multiplier: z.number().min(1).max(100).optional(),
  maxDelayMs: waitMs.optional(),
  jitter: z.number().min(0).max(1).optional(),
});

export const onTimeoutSchema = z.enum(['wait', 'dead-letter']);

/** What may be said beside the pattern in `@EventHandler`. */
export const eventHandlerSchema = z.strictObject({
  bus: z.string().min(1).optional(),
  group: z.string().optional(),
  type: z.string().min(1).optional(),
  pool: z.enum(['keyed', 'global']).optional(),
  retry: retrySchema.optional(),
  timeoutMs: deadlineMs.optional(),
  onTimeout: onTimeoutSchema.optional(),
});
