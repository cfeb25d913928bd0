import { onTestFinished } from 'vitest';
import { makeFlusher, type FlusherSettings, type TestFlusher } from './flusher-fixture.js';

/** A flusher that runs until it is stopped, or its test ends. */
export function startFlusher(settings: FlusherSettings): TestFlusher {
  const flusher = makeFlusher(settings);
  flusher.start();
  onTestFinished(() => flusher.stop());
  return flusher;
}
