/** Whether this process can do its work now, as the sum of named checks. */

/** Resolves when the part works; rejects with the reason when it doesn't. */
export type ReadinessCheck = () => Promise<void>;

export interface CheckResult {
  readonly ready: boolean;
  readonly durationMs: number;
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

async function runCheck(check: ReadinessCheck, timeoutMs: number): Promise<CheckResult> {
  const startedAt = performance.now();
  const result = (ready: boolean, reason?: string): CheckResult => ({
    ready,
    durationMs: Math.round(performance.now() - startedAt),
    ...(reason === undefined ? {} : { reason }),
  });
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve(result(false, `no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([check().then(() => result(true)), expired]);
  } catch (error) {
    return result(false, error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Runs all checks side by side; one that doesn't answer in time counts as failed. */
export async function checkReadiness(
  checks: Readonly<Record<string, ReadinessCheck>>,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<ReadinessReport> {
  const results = await Promise.all(
    Object.entries(checks).map(
      async ([name, check]) => [name, await runCheck(check, timeoutMs)] as const,
    ),
  );
  return {
    ready: results.every(([, result]) => result.ready),
    checks: Object.fromEntries(results),
  };
}
