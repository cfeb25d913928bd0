/** How a person or a supervisor asks a process to end. */

/**
 * One Ctrl-C can arrive twice: from the terminal, and passed on by the npm that runs us. Nobody is
 * impatient this fast.
 */
const SAME_REQUEST_MS = 1_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignal {
  /** Settles with the name of the first signal. */
  readonly received: Promise<string>;
  /** Leaves signals to their usual effect again. */
  dispose(): void;
}

/**
 * Listens for the signals that ask for an orderly end. The second one ends the process at once:
 * whoever asks twice doesn't want to wait.
 */
export function listenForStop({ onImpatience }: { readonly onImpatience: () => void }): StopSignal {
  let askedAt: number | null = null;
  let resolve: (signal: string) => void = () => undefined;
  const received = new Promise<string>((settle) => (resolve = settle));
  const hear = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt !== null && now - askedAt > SAME_REQUEST_MS) onImpatience();
    askedAt ??= now;
    resolve(signal);
  };
  for (const signal of SIGNALS) process.on(signal, hear);
  return {
    received,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, hear);
    },
  };
}
