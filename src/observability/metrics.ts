/**
 * The process' Prometheus metrics. Each folder declares its own in one factory that takes
 * {@link Metrics}; the names follow one pattern, held here, so that dashboards can rely on it.
 */
import { collectDefaultMetrics, Gauge, Registry, type Metric } from 'prom-client';
import { Counter, Histogram } from './series-metrics.js';

export type { Counter, Gauge, Histogram };

export interface MetricOptions<Label extends string> {
  /** `tolld_…` with the unit last: `_total` for counters, `_seconds`, `_bytes`. */
  readonly name: string;
  /** One sentence that ends up in the exposition. */
  readonly help: string;
  /** Values must come from a set that is small and known: never a session or a subscriber. */
  readonly labels?: readonly Label[];
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  readonly buckets: readonly number[];
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Sets the gauge when it is read, for a value that would be costly to keep current. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>;
}

export interface Metrics {
  counter<Label extends string = never>(options: MetricOptions<Label>): Counter<Label>;
  gauge<Label extends string = never>(options: GaugeOptions<Label>): Gauge<Label>;
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
  /** The text that Prometheus reads. */
  exposition(): Promise<string>;
  readonly contentType: string;
}

/** Buckets for what must be answered in milliseconds, in seconds. */
export const LATENCY_BUCKETS_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

const NAME_PATTERN = /^tolld(_[a-z0-9]+)+$/;

/** A metric whose name breaks the pattern is a fault of the program. */
function checkName(name: string, kind: 'counter' | 'gauge' | 'histogram'): void {
  const fault = !NAME_PATTERN.test(name)
    ? 'begins with tolld_ and is lower case with underscores'
    : kind === 'counter' && !name.endsWith('_total')
      ? 'ends with _total, being a counter'
      : kind !== 'counter' && name.endsWith('_total')
        ? 'ends with _total only for a counter'
        : /_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/.test(name)
          ? 'has base units: seconds, bytes, ratio'
          : null;
  if (fault !== null) throw new Error(`metric name ${name}: it ${fault}`);
}

export interface MetricsOptions {
  /** Also event-loop lag, heap and CPU of the process, as prom-client names them. */
  readonly processMetrics: boolean;
}

/** Makes a registry of its own: two nodes in one process don't share metrics. */
export function createMetrics({ processMetrics }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });

  function settings<Label extends string>(options: MetricOptions<Label>) {
    const { name, help, labels = [] } = options;
    return { name, help, labelNames: [...labels], registers: [registry] };
  }

  function counter<Label extends string>(options: MetricOptions<Label>): Counter<Label> {
    checkName(options.name, 'counter');
    return registered(registry, new Counter(options));
  }

  function gauge<Label extends string>(options: GaugeOptions<Label>): Gauge<Label> {
    checkName(options.name, 'gauge');
    const { collect } = options;
    if (collect === undefined) return new Gauge(settings(options));
    const made: Gauge<Label> = new Gauge({ ...settings(options), collect: () => collect(made) });
    return made;
  }

  function histogram<Label extends string>(options: HistogramOptions<Label>): Histogram<Label> {
    checkName(options.name, 'histogram');
    return registered(registry, new Histogram(options));
  }

  return {
    counter,
    gauge,
    histogram,
    exposition: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** A registry names what it is given as classes of its own, and asks of it no more than `name` and `get`. */
function registered<Own extends Pick<Counter, 'name' | 'get'>>(registry: Registry, own: Own): Own {
  registry.registerMetric(own as unknown as Metric);
  return own;
}
