/** Resolves when the promise has ended either way, or after `ms`; false: it has not ended. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(always, always), late]);
  } finally {
    clearTimeout(timer);
  }
}

const always = (): true => true;
