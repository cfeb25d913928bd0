/** `tolld nas`: which NAS may ask by RADIUS, and the commands that set one of them up. */
import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import type pg from 'pg';
import type { NasDeclaration } from '../domain/nas.js';
import { readGardenLists, readNasList, type ListedNas } from '../management/network/nas-list.js';
import { asTenant, EVERY_TENANT } from '../records/database.js';
import { createSecretBox, SECRET_USES } from '../secret-box.js';
import type { CommandContext } from './context.js';
import { formatJson, formatTable } from './output.js';
import { NotFoundError, withRecord } from './record-access.js';
import { routerScript } from './router-script.js';

interface ScriptFlags {
  readonly server: string;
  readonly sourceAddress?: string;
  readonly withSecret?: boolean;
  readonly interim: number;
  readonly ntp?: readonly string[];
  readonly portal?: readonly string[];
  readonly hotspotLogin: readonly string[];
  readonly json?: boolean;
}

/** What stands in RouterOS for a list of words or hosts: nothing that could begin a command. */
const HOST = /^[A-Za-z0-9*]([A-Za-z0-9.:*-]*[A-Za-z0-9])?$/;
const LOGIN_WORDS = ['cookie', 'http-chap', 'http-pap', 'https', 'mac', 'mac-cookie', 'trial'];
const INTERIM_SECONDS_MIN = 60;

function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('give an IP address');
  return text;
}

function parseHosts(text: string, before: readonly string[] = []): readonly string[] {
  if (!HOST.test(text)) throw new InvalidArgumentError('give a host name or an IP address');
  return [...before, text];
}

function parseLogin(text: string): readonly string[] {
  const words = text.split(',');
  if (words.every((word) => LOGIN_WORDS.includes(word))) return words;
  throw new InvalidArgumentError(`give some of ${LOGIN_WORDS.join(', ')}, with commas`);
}

function parseInterim(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,6}$/.test(text) || seconds < INTERIM_SECONDS_MIN) {
    throw new InvalidArgumentError(`give seconds, ${INTERIM_SECONDS_MIN} at least`);
  }
  return seconds;
}

/** A NAS without its secrets, sealed or not: how many there are is all that people need. */
function shown({ declaration, retired, updatedAt }: ListedNas) {
  const { secrets, dynamicAuthorization, ...open } = declaration;
  const { secret: _, ...steering } = dynamicAuthorization ?? {};
  return {
    ...open,
    secrets: secrets.length,
    ...(dynamicAuthorization !== undefined && { steering }),
    retired,
    updatedAt,
  };
}

function rowOf({ declaration, retired }: ListedNas): readonly string[] {
  const { name, addresses, nasIdentifier, certificateNames, vendor, networkScope } = declaration;
  const { services, messageAuthenticator, counterDirection, secrets } = declaration;
  const { dynamicAuthorization: steering, steeringOverTls } = declaration;
  return [
    name,
    [...addresses, ...(certificateNames ?? []).map((one) => `TLS ${one}`)].join(' '),
    nasIdentifier ?? '',
    vendor,
    services?.join(' ') ?? 'any',
    networkScope,
    messageAuthenticator ?? 'auto',
    counterDirection ?? 'input-is-upload',
    [
      ...(steeringOverTls === true ? ['TLS'] : []),
      ...(steering === undefined ? [] : [`${steering.address}:${steering.port}`]),
    ].join(' ') || 'none',
    secrets.length > 1 ? 'rotating' : 'one',
    retired ? 'retired' : 'active',
  ];
}

const HEADINGS = [
  'name',
  'from',
  'identifier',
  'vendor',
  'services',
  'scope',
  'message-auth',
  'counters',
  'steering',
  'secret',
  'state',
];

async function asReader<Result>(
  context: CommandContext,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return withRecord(context, (pool) => asTenant(pool, EVERY_TENANT, work));
}

function listCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('list')
    .description('list the NAS that may ask by RADIUS, without their secrets')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const all = await asReader(context, readNasList);
      if (json === true) terminal.out(formatJson(all.map(shown)));
      else formatTable(HEADINGS, all.map(rowOf)).forEach((line) => terminal.out(line));
    });
}

/** @throws NotFoundError, or SecretBoxError where the secret is wanted and can't be opened. */
async function scriptOf(
  context: CommandContext,
  name: string,
  flags: ScriptFlags,
): Promise<readonly string[]> {
  const { nas, gardenLists } = await asReader(context, async (client) => ({
    nas: (await readNasList(client)).find(({ declaration }) => declaration.name === name),
    gardenLists: await readGardenLists(client),
  }));
  if (nas === undefined) throw new NotFoundError(`there is no NAS ${name}; \`tolld nas list\``);
  const { declaration } = nas;
  if (declaration.vendor !== 'mikrotik') {
    throw new NotFoundError(`there is no script for ${declaration.vendor}, only for mikrotik`);
  }
  return routerScript({
    nas: declaration,
    secret: flags.withSecret === true ? openSecret(context, declaration) : null,
    server: flags.server,
    sourceAddress: flags.sourceAddress ?? null,
    interimSeconds: flags.interim,
    ntpServers: flags.ntp ?? ['pool.ntp.org'],
    portalHosts: flags.portal ?? [],
    gardenLists,
    hotspotLogin: flags.hotspotLogin,
  });
}

function openSecret({ readConfig }: CommandContext, { name, secrets }: NasDeclaration) {
  const [newest] = secrets;
  const box = createSecretBox(readConfig().config.secrets.keys);
  return newest === undefined ? null : box.open(SECRET_USES.nas(name), newest);
}

function scriptCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('script')
    .description('print the RouterOS commands that make a MikroTik router a client of ours')
    .argument('<name>', 'name of the NAS in the operator file')
    .requiredOption('--server <address>', 'address of tolld as the router reaches it', parseAddress)
    .option(
      '--source-address <address>',
      "the router's address that requests leave from",
      parseAddress,
    )
    .option('--with-secret', 'fill in the shared secret; without it, a place for it is left')
    .option(
      '--interim <seconds>',
      'time between reports where an accept says none',
      parseInterim,
      300,
    )
    .option('--ntp <host>', 'time server; several times for several', parseHosts)
    .option('--portal <host>', 'host that may be reached without credit; several times', parseHosts)
    .addOption(
      new Option(
        '--hotspot-login <words>',
        `ways to log in at a hotspot: ${LOGIN_WORDS.join(', ')}`,
      )
        .argParser(parseLogin)
        .default(['http-chap', 'mac-cookie'], 'http-chap,mac-cookie'),
    )
    .option('--json', 'print the lines as JSON')
    .action(async (name: string, flags: ScriptFlags) => {
      const lines = await scriptOf(context, name, flags);
      if (flags.json === true) terminal.out(formatJson({ nas: name, lines }));
      else lines.forEach((line) => terminal.out(line));
    });
}

export function nasCommand(context: CommandContext): Command {
  return new Command('nas')
    .description('routers and gateways that speak RADIUS to us')
    .addCommand(listCommand(context))
    .addCommand(scriptCommand(context));
}
