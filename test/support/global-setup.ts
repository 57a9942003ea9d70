import type { TestProject } from 'vitest/node';
import { startStarter } from './starter.js';

declare module 'vitest' {
  export interface ProvidedContext {
    brokerStarter: string;
  }
}

/** Vitest runs it once, before all tests; what it returns, once after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starter = await startStarter();
  project.provide('brokerStarter', starter.url);
  return () => starter.close();
}
