/** A process of management that dies at one of its steps, before that had its effect or after. */
import type { EngineFace } from '../../../src/management/engine-face.js';
import type { Transact } from '../../../src/management/transaction.js';

export class Crash extends Error {}

/** Everything that a process does up to a step, and after the crash does no more. */
export function mortalProcess(
  { face, transact }: { readonly face: EngineFace; readonly transact: Transact },
  diesAt: number,
  moment: 'before' | 'after',
) {
  let steps = 0;
  let dead = false;
  async function step<T>(act: () => Promise<T>): Promise<T> {
    if (dead) throw new Crash();
    steps += 1;
    const last = steps === diesAt;
    if (last) dead = true;
    if (last && moment === 'before') throw new Crash();
    const result = await act();
    if (last) throw new Crash();
    return result;
  }
  const engine = Object.fromEntries(
    Object.entries(face).map(([name, call]) => [
      name,
      (...args: never[]) => step(() => (call as (...args: never[]) => Promise<unknown>)(...args)),
    ]),
  ) as unknown as EngineFace;
  const dyingTransact: Transact = (work) =>
    step(() =>
      transact(async (client) => {
        const result = await work(client);
        // A process that died inside a transaction never commits it.
        if (dead) throw new Crash();
        return result;
      }),
    );
  return { engine, transact: dyingTransact, steps: () => steps };
}
