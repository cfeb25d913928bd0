import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in /proc: fixed by the Linux ABI. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended. */
  readonly children: number;
}

function timesOf(pid: number): ProcessTimes | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
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

/** CPU that a server and its children have used, in microseconds; Linux only. */
export function cpuOfServerUs(pid: number): number {
  const server = timesOf(pid);
  if (server === null) return 0;
  let ticks = server.own + server.children;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const times = timesOf(Number(name));
    if (times?.parent === pid) ticks += times.own;
  }
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}
