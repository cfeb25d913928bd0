/**
 * The only reader of the environment. Settings come from the environment, then from one optional
 * file, then from the defaults of `settings.ts`; every fault is reported at once.
 */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { describeSettings, type Config, type PlacedSetting } from './settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value came from: `default`, a variable's name, or the file. */
export type SettingSource = string;

export interface LoadedConfig {
  readonly config: Config;
  /** By path ("redis.url"). */
  readonly sources: ReadonlyMap<string, SettingSource>;
}

/** Everything that is wrong, one sentence each, with the name as it was written and the remedy. */
export class ConfigError extends Error {
  readonly code = 'TOLLD_CONFIG_INVALID';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const heading =
      faults.length === 1 ? 'the configuration has a fault' : 'the configuration has faults';
    super([`${heading}:`, ...faults.map((fault) => `  - ${fault}`)].join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

const FILE_VARIABLE = 'TOLLD_CONFIG';
/** Names that are ours without being settings. */
const OTHER_VARIABLES = /^TOLLD_(CONFIG$|TEST_)/;

/** The process' own environment, for code that takes one as an argument. */
export function processEnvironment(): Environment {
  return process.env;
}

export interface ConfigRequest {
  readonly environment: Environment;
  /** Path of a YAML or JSON file; default: what `TOLLD_CONFIG` names, if anything. */
  readonly file?: string | undefined;
}

/**
 * Reads, checks and freezes the configuration.
 * @throws ConfigError with every fault found.
 */
export function loadConfig({ environment, file }: ConfigRequest): LoadedConfig {
  const faults: string[] = [];
  const filePath = file ?? environment[FILE_VARIABLE];
  const inFile = filePath === undefined ? new Map<string, unknown>() : readFile(filePath, faults);
  const settings = describeSettings();
  faults.push(...unknownVariables(environment, settings));

  const values: Record<string, Record<string, unknown>> = {};
  const sources = new Map<string, SettingSource>();
  for (const setting of settings) {
    const { value, source, fault } = resolveSetting(setting, { environment, inFile, filePath });
    if (fault !== undefined) faults.push(fault);
    (values[setting.group] ??= {})[setting.name] = value;
    sources.set(setting.path, source);
  }
  // The table's types and its schemas are the same declarations, so the shape is right here.
  const config = values as unknown as Config;
  const complete = withDerived(config);
  faults.push(...crossFaults(complete));
  if (faults.length > 0) throw new ConfigError(faults);
  for (const group of Object.values(complete)) Object.freeze(group);
  return { config: Object.freeze(complete), sources };
}

interface Resolution {
  readonly value: unknown;
  readonly source: SettingSource;
  readonly fault?: string;
}

function resolveSetting(
  setting: PlacedSetting,
  from: {
    readonly environment: Environment;
    readonly inFile: ReadonlyMap<string, unknown>;
    readonly filePath: string | undefined;
  },
): Resolution {
  const variable = setting.variables.find((name) => {
    const value = from.environment[name];
    // An empty variable is how a shell or a compose file says "not set".
    return value !== undefined && value !== '';
  });
  const written =
    variable !== undefined
      ? { value: from.environment[variable], source: variable }
      : from.inFile.has(setting.path)
        ? { value: from.inFile.get(setting.path), source: from.filePath ?? 'file' }
        : null;
  if (written === null) return { value: setting.fallback, source: 'default' };

  const parsed = setting.schema.safeParse(written.value);
  if (parsed.success) return { value: parsed.data, source: written.source };
  const name = variable ?? `${setting.path} in ${written.source}`;
  const shown = setting.secret === 'no' ? JSON.stringify(written.value) : 'a value not shown here';
  return {
    value: setting.fallback,
    source: written.source,
    fault: `${name} is ${shown}, but must be ${setting.expected}`,
  };
}

/** The file's values by path; what the table doesn't know is a fault. */
function readFile(filePath: string, faults: string[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  let content: unknown;
  try {
    content = parseYaml(readFileSync(filePath, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    faults.push(`the configuration file ${filePath} can't be read: ${reason}`);
    return found;
  }
  if (content === null) return found;
  if (typeof content !== 'object' || Array.isArray(content)) {
    faults.push(`${filePath} must hold groups of settings, such as "redis:" with "url:" below it`);
    return found;
  }
  const known = describeSettings().map((setting) => setting.path);
  for (const [group, members] of Object.entries(content)) {
    const isGroup = typeof members === 'object' && members !== null && !Array.isArray(members);
    const entries = isGroup
      ? Object.entries(members as Record<string, unknown>).map(
          ([name, value]) => [`${group}.${name}`, value] as const,
        )
      : [[group, members] as const];
    for (const [path, value] of entries) {
      if (known.includes(path)) found.set(path, value);
      else faults.push(`${path} in ${filePath} is no setting${suggest(path, known)}`);
    }
  }
  return found;
}

function unknownVariables(environment: Environment, settings: readonly PlacedSetting[]): string[] {
  const known = settings.flatMap((setting) => setting.variables);
  return Object.keys(environment)
    .filter((name) => name.startsWith('TOLLD_') && !OTHER_VARIABLES.test(name))
    .filter((name) => !known.includes(name))
    .map((name) => `${name} is no setting${suggest(name, known)}`);
}

const SUGGESTION_DISTANCE_MAX = 4;

/** ": did you mean X?" for the nearest known name, or where to look them up. */
function suggest(name: string, known: readonly string[]): string {
  let nearest = { candidate: '', distance: SUGGESTION_DISTANCE_MAX + 1 };
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < nearest.distance) nearest = { candidate, distance };
  }
  return nearest.candidate === ''
    ? '; `tolld config` lists them all'
    : `: did you mean ${nearest.candidate}?`;
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + change,
        ),
      );
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

function withDerived(config: Config): Config {
  const { originHost, originRealm } = config.diameter;
  if (originHost !== '') return config;
  const derived = `${config.node.name}.${originRealm}`.toLowerCase();
  return { ...config, diameter: { ...config.diameter, originHost: derived } };
}

/** What each setting alone can't show. */
function crossFaults({
  redis,
  engine,
  flusher,
  diameter,
  operations,
  radius,
  secrets,
  tls,
}: Config): string[] {
  const faults: string[] = [];
  if (redis.commandTimeoutMs >= engine.requestTimeoutMs) {
    faults.push(
      `redis.commandTimeoutMs (${redis.commandTimeoutMs}) must be less than ` +
        `engine.requestTimeoutMs (${engine.requestTimeoutMs}), or nothing can be tried again in time`,
    );
  }
  if (redis.topology === 'sentinel' && redis.nodes.length === 0) {
    faults.push('redis.topology is sentinel: redis.nodes must name the sentinels');
  }
  if (flusher.leaseMs < 3 * flusher.intervalMs) {
    faults.push(
      `flusher.leaseMs (${flusher.leaseMs}) must be at least three times flusher.intervalMs ` +
        `(${flusher.intervalMs}), or an idle flusher loses its partitions`,
    );
  }
  if (diameter.listenPort !== 0 && diameter.listenPort === operations.listenPort) {
    faults.push(
      `diameter.listenPort and operations.listenPort are both ${diameter.listenPort}: ` +
        'give each its own',
    );
  }
  if (radius.enabled && secrets.keys.length === 0) {
    faults.push(
      'radius.enabled needs secrets.keys (TOLLD_SECRETS_KEYS): without a key no NAS has a secret',
    );
  }
  const tlsFiles = [tls.keyFile, tls.certificateFile, tls.authoritiesFile];
  if (tlsFiles.includes('') && tlsFiles.some((file) => file !== '')) {
    faults.push(
      'tls.keyFile, tls.certificateFile and tls.authoritiesFile belong together: ' +
        'set all three, or none',
    );
  }
  return faults;
}

/** A URL without its password, for people and logs. */
export function maskUrl(text: string): string {
  if (!URL.canParse(text)) return '[secret]';
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  for (const name of [...url.searchParams.keys()]) {
    if (/pass|secret|token/i.test(name)) url.searchParams.set(name, '***');
  }
  return url.href;
}

export interface PrintableSetting {
  readonly path: string;
  readonly value: string | number | boolean;
  readonly source: SettingSource;
}

/** The effective configuration with secrets masked, in the order of the table. */
export function printable({ config, sources }: LoadedConfig): readonly PrintableSetting[] {
  const groups = config as unknown as Record<string, Record<string, SettingValue>>;
  return describeSettings().map(({ group, name, path, secret }) => ({
    path,
    value: shown(groups[group]?.[name] ?? '', secret),
    source: sources.get(path) ?? 'default',
  }));
}

type SettingValue = string | number | boolean | readonly string[];

function shown(value: SettingValue, secret: PlacedSetting['secret']): PrintableSetting['value'] {
  if (typeof value === 'object') {
    if (value.length === 0) return '';
    return secret === 'whole' ? `${value.length} not shown` : value.join(',');
  }
  return secret === 'url-password' ? maskUrl(String(value)) : value;
}
