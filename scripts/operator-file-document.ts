/** What is published of the operator file's format: its JSON Schema and its documentation. */
import { format } from 'prettier';
import { z } from 'zod';
import { fileFormat } from '../src/management/operator-file/format/file-format.js';

/** As much of JSON Schema as the format makes. */
interface Schema {
  readonly description?: string;
  readonly expected?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const PRETTIER = { printWidth: 100 } as const;

/** schema/operator-file.schema.json, for editors and other programs. */
export async function renderOperatorFileSchema(): Promise<string> {
  const schema = z.toJSONSchema(fileFormat, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // A word of ours that JSON Schema doesn't know.
      delete jsonSchema['expected'];
    },
  });
  return format(JSON.stringify(schema), { ...PRETTIER, parser: 'json' });
}

const HEADING = `# The operator file

<!-- Made by \`npm run generate:operator-file\` from \`scripts/operator-file-document.ts\` and the
     formats of \`src/management/operator-file/format\`; changes go there. -->

\`tolld load FILE\` makes the system what a file declares: tenants, what their buckets count, prices,
plans, accounts with their buckets, subscribers, sharing groups, Diameter peers, NAS and what network
access gives. The file is YAML or JSON.
\`examples/minimal.yaml\` is the least that charges something, \`examples/operator.yaml\` a small
operator with comments, \`examples/operator-radius.yaml\` the same one's homes by RADIUS,
\`examples/isp.yaml\` an internet provider; \`schema/operator-file.schema.json\` lets an editor complete and check it.

\`\`\`sh
tolld load operator.yaml --dry-run   # what would change; nothing is written
tolld load operator.yaml
\`\`\`

## What loading does

- **All or nothing.** Everything is checked first, and every fault is named at once with file, line,
  column and remedy. One transaction in Postgres then holds all changes. From there they are brought
  to Redis, by the command itself and, where it could not, by any running daemon.
- **Again is harmless.** A file that was loaded changes nothing when it is loaded again.
- **What a file leaves out stays as it is.** Several files may declare parts of one operator. An entry
  that stands in a file is declared whole, though: a field that is absent there has its default,
  unless the table says that it stays. Nothing is deleted by leaving it out; \`retired\`, \`closed\` and
  \`standing\` end things. Identities are the exception: a subscriber has those that its entry lists.
- **Money is never set.** A bucket is granted once, by its id. Later, \`creditLimit\`, \`floor\` and
  \`validity.until\` may change; any other change of a granted bucket is refused and says so. To give
  more, add a bucket of another id. Removing a bucket from the file takes nothing away.
- **A plan is granted once.** Each bundle of a plan is granted to each subscriber once, when an entry
  of the subscriber is loaded with the plan in force then; one that is added to a plan later is
  granted when the subscriber's entry is loaded again. What was granted stays, after a change of plan
  too; \`creditLimit\` follows the plan. Its buckets are called
  \`subscriber:plan:bundle:bucket\`. A plan's tariff, orders, policy and final-unit action act on all
  its subscribers at once, its thresholds on those whose entries are loaded with it.
- **A group's members are listed.** They draw on the owner's buckets from the moment they stand in its
  partition, to which they are moved while their sessions go on; who is not listed any more has left.
- **Prices act from the next grant.** A changed tariff is a new revision; what was granted under the
  old one is charged by it. Every event carries the version of the configuration that rated it.
- **Secrets are sealed.** What NAS and subscribers prove themselves with is encrypted before it is
  written (AES-256-GCM) with the first key of \`TOLLD_SECRETS_KEYS\`; Postgres and Redis hold nothing that
  opens by itself, and no message, report or log shows a secret. To change a key, put the new one
  first, restart the processes, load the file again, then take the old one away. A NAS changes its
  secret without an outage: load the new one as \`secret\` and the one before as \`oldSecret\`, type it
  into the router, then load the file without \`oldSecret\`.

## How values are written

- **Money** is a decimal number in quotes (\`'12.50'\`), so that no digit is lost.
- **Units** are whole numbers, or have a measure: octets \`B\`, \`kB\`, \`MB\`, \`GB\`, \`TB\` (powers of 1000)
  and \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\` (powers of 1024); time \`s\`, \`min\`, \`h\`, \`d\`. \`1.5 GB\` is 1500000000.
- **Times** are ISO 8601, in the tenant's time zone where they carry no offset. An end is the first
  moment after it: \`until: 2027-01-01\` is the end of 2026.
- **Identifiers** have letters, digits, \`.\`, \`_\` and \`-\`, begin with a letter or digit, and have at most 64
  characters.
- **Digits that are names** (IMSI, numbers, prefixes) stand in quotes.
`;

/** docs/operator-file.md: every field of the format, in its order. */
export function renderOperatorFileDocument(): string {
  const schema = z.toJSONSchema(fileFormat, { io: 'input' }) as Schema;
  const sections = Object.entries(schema.$defs ?? {}).map(([name, part]) => section(name, part));
  return [HEADING, section('The file', schema), ...sections].join('\n');
}

function section(name: string, { description = '', properties = {}, required = [] }: Schema) {
  const rows = Object.entries(properties).map(([key, field]) => {
    const must = required.includes(key) ? 'yes' : '';
    return `| \`${key}\` | ${must} | ${cell(typeOf(field))} | ${cell(field.description ?? '')} |`;
  });
  return [
    `## ${name}`,
    '',
    description,
    '',
    '| field | required | must be | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function typeOf(field: Schema): string {
  if (field.expected !== undefined) return field.expected;
  if (field.$ref !== undefined) return linkTo(field.$ref);
  if (field.type === 'array' && field.items !== undefined) return `list of: ${typeOf(field.items)}`;
  const [first, second] = field.anyOf ?? [];
  if (first !== undefined && second?.type === 'null') return `${typeOf(first)}, or null`;
  throw new Error(`a field of the format says nothing of its values: ${JSON.stringify(field)}`);
}

function linkTo(reference: string): string {
  const name = reference.replace('#/$defs/', '');
  return `[${name}](#${name.toLowerCase()})`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
