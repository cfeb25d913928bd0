/**
 * Loaded into a measured server ahead of its program (`--import`, so in JavaScript): samples what its
 * first thread allocates, what is collected again too, as far as its end. Node's own --heap-prof shows
 * what is left alone. Leaves Heap.PID.heapprofile, which Chrome's DevTools open, in the directory that
 * the import names (`?directory=…`); what it says of each function are octets.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import path from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

/** Octets between two samples: a request allocates some 10,000, and is to cost little more by this. */
const SAMPLING_OCTETS = 8_192;

const directory = new URL(import.meta.url).searchParams.get('directory') ?? '.';

if (isMainThread) {
  const session = new Session();
  session.connect();
  session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_OCTETS,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  process.on('exit', () => {
    session.post('HeapProfiler.stopSampling', (error, result) => {
      if (error !== null) throw error;
      const file = path.join(directory, `Heap.${process.pid}.heapprofile`);
      writeFileSync(file, JSON.stringify(result.profile));
    });
  });
}
