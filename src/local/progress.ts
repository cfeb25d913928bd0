/** Tells a person at the terminal, or whoever reads the log of a build, what is going on. */

export interface Step {
  /** Ends the step and says what came of it. */
  done(text: string): void;
}

export interface Progress {
  /** Something that may take a while begins. */
  begin(text: string): Step;
  note(text: string): void;
}

const REMINDER_INTERVAL_MS = 5_000;

/** Plain lines, so that it reads the same in a terminal, a file and a build log. */
export function createProgress({ write }: { readonly write: (line: string) => void }): Progress {
  return {
    begin: (text) => {
      const startedAt = performance.now();
      const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
      write(`… ${text}`);
      const reminder = setInterval(() => write(`  … ${seconds()} s`), REMINDER_INTERVAL_MS);
      // A step that failed is never ended: its reminder must not keep the process.
      reminder.unref();
      return {
        done: (outcome) => {
          clearInterval(reminder);
          write(`✓ ${outcome} (${seconds()} s)`);
        },
      };
    },
    note: (text) => write(text),
  };
}
