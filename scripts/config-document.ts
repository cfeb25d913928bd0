import { describeSettings, type PlacedSetting } from '../src/settings.js';

const HEADING = `# Configuration

<!-- Made by \`npm run generate:config-docs\` from \`src/settings.ts\`; changes go there. -->

A setting comes from the environment, else from one YAML or JSON file (\`--config FILE\` or
\`TOLLD_CONFIG\`), else from its default. In the file, settings stand in their group:

\`\`\`yaml
redis:
  url: redis://10.0.0.5:6379
engine:
  durability: relaxed
\`\`\`

Everything is checked before anything starts, and every fault is named at once. \`tolld config\`
prints what is in effect and where each value came from, with passwords masked.

## Durability

| level | Redis must run with | survives | costs |
| --- | --- | --- | --- |
| \`strict\` | \`appendfsync always\`: no answer leaves before its fsync | a power cut, a kill of anything | about 5 % deep in a pipeline, up to 40 % at 64 concurrent calls |
| \`relaxed\` | \`appendfsync everysec\` | a crash of the daemon, of Redis or of Postgres; a power cut loses at most about one second | least |
| \`replicated\` | as strict, with a replica that is waited for | loss of the Redis host | one round trip |
`;

function row(setting: PlacedSetting): string {
  const fallback = String(setting.fallback) === '' ? '' : `\`${String(setting.fallback)}\``;
  const variables = setting.variables.map((name) => `\`${name}\``).join(', ');
  return `| \`${setting.name}\` | ${setting.meaning} | ${setting.expected} | ${fallback} | ${variables} |`;
}

function section(group: string, settings: readonly PlacedSetting[]): string {
  return [
    `\n## ${group}\n`,
    '| setting | meaning | must be | default | in the environment |',
    '| --- | --- | --- | --- | --- |',
    ...settings.map(row),
    '',
  ].join('\n');
}

/** The whole document, for the generator and for the test that compares it. */
export function renderConfigDocument(): string {
  const groups = new Map<string, PlacedSetting[]>();
  for (const setting of describeSettings()) {
    groups.set(setting.group, [...(groups.get(setting.group) ?? []), setting]);
  }
  return HEADING + [...groups].map(([group, settings]) => section(group, settings)).join('');
}
