/** CPU that processes and their threads have used, from /proc: Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in /proc: fixed by the Linux ABI. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended. */
  readonly children: number;
}

/** Times of a process, or of a thread where `file` is one's; null where it is gone. */
function timesIn(file: string): ProcessTimes | null {
  let stat: string;
  try {
    stat = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  // The name, in brackets, may hold anything; fields count from behind it.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [, parent = 0] = fields;
  const [own = 0, system = 0, children = 0, childrenSystem = 0] = fields.slice(11, 15);
  return { parent, own: own + system, children: children + childrenSystem };
}

function microseconds(ticks: number): number {
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}

/** CPU that a server and its children have used, in microseconds. */
export function cpuOfServerUs(pid: number): number {
  const server = timesIn(`/proc/${pid}/stat`);
  if (server === null) return 0;
  let ticks = server.own + server.children;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const times = timesIn(`/proc/${name}/stat`);
    if (times?.parent === pid) ticks += times.own;
  }
  return microseconds(ticks);
}

/** CPU that each thread of a process has used, in microseconds, by its id; the first's is the pid. */
export function cpuOfThreadsUs(pid: number): ReadonlyMap<number, number> {
  const threads = new Map<number, number>();
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    const times = timesIn(`/proc/${pid}/task/${name}/stat`);
    if (times !== null) threads.set(Number(name), microseconds(times.own));
  }
  return threads;
}
