import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const DASHBOARDS = 'deploy/grafana';
const RULES = 'deploy/prometheus/tolld.rules.yaml';

/** What docs/metrics.md lists, which another test holds to the source. */
const DOCUMENTED = new Set(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(tolld_[a-z0-9_]+)`/gm)].map(
    ([, name = '']) => name,
  ),
);

/** Metrics of ours in an expression, without what Prometheus adds to a histogram's name. */
function metricsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/tolld_[a-z0-9_]+/g)].map(([name]) => {
    const bare = name.replace(/_(bucket|sum|count)$/, '');
    return DOCUMENTED.has(name) ? name : bare;
  });
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

function dashboards(): readonly { readonly file: string; readonly board: Dashboard }[] {
  return readdirSync(DASHBOARDS).map((file) => ({
    file,
    board: JSON.parse(readFileSync(path.join(DASHBOARDS, file), 'utf8')) as Dashboard,
  }));
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string };
    }[];
  }[];
}

const rules = (parse(readFileSync(RULES, 'utf8')) as Rules).groups.flatMap((group) => group.rules);

describe('dashboards and alerts', () => {
  test.each(dashboards())('$file shows only metrics that there are', ({ board }) => {
    expect(board.panels.length).toBeGreaterThan(5);
    for (const { title, targets } of board.panels) {
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr } of targets) {
        const unknown = metricsIn(expr).filter((name) => !DOCUMENTED.has(name));
        expect(unknown, title).toEqual([]);
      }
    }
  });

  test('alerts watch only metrics that there are, and say what is wrong', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, labels, annotations } of rules) {
      const names = metricsIn(expr);
      expect(names.length, alert).toBeGreaterThan(0);
      expect(
        names.filter((name) => !DOCUMENTED.has(name)),
        alert,
      ).toEqual([]);
      expect(['warning', 'critical'], alert).toContain(labels.severity);
      expect(annotations.summary.length, alert).toBeGreaterThan(10);
    }
  });

  test('watch every metric that docs/metrics.md says to alert on', () => {
    const lines = readFileSync('docs/metrics.md', 'utf8').split('\n');
    const wanted = lines
      .filter((line) => /\balert\b/.test(line))
      .map((line) => /^\| `(tolld_[a-z0-9_]+)`/.exec(line)?.[1] ?? line);
    expect(wanted.length).toBeGreaterThan(5);
    const watched = new Set(rules.flatMap(({ expr }) => metricsIn(expr)));
    expect(wanted.filter((name) => !watched.has(name))).toEqual([]);
  });
});
