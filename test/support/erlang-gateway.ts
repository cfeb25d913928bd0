/**
 * A gateway on Erlang's Diameter application (Debian's package): a stack that we didn't write, with
 * a strict decoder of its own. Its program is `test/e2e/erlang/gateway.erl`.
 */
import { execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { makeScratchDirectory } from './scratch-directory.js';

const SOURCE = path.resolve(import.meta.dirname, '../e2e/erlang');
const LIBRARIES = '/usr/lib/erlang/lib';
const ANSWER_MS = 15_000;

/** An AVP's value as Erlang has it; text becomes a binary, names in quotes atoms. */
export type AvpValue = number | string | AvpMap | readonly AvpValue[];
export interface AvpMap {
  readonly [name: string]: AvpValue;
}

/** A Credit-Control-Answer as Erlang decoded it: an AVP that may stand several times is a list. */
export interface ErlangAnswer {
  readonly name: string;
  readonly answer: AvpMap;
  /** What its decoder found wrong with the answer. */
  readonly errors: number;
}

type Line = Readonly<Record<string, unknown>>;

export interface ErlangGateway {
  /** Connects and exchanges capabilities. @returns whether the connection is open. */
  connect(port: number): Promise<boolean>;
  /** Sends a CCR with these AVPs and waits for its answer. @throws where none came. */
  call(name: string, request: AvpMap): Promise<ErlangAnswer>;
  /** Messages of a command that went over the connections, requests and answers. */
  count(command: number, direction: 'send' | 'recv'): Promise<number>;
  /** Session-Ids of the Re-Auth-Requests that it has answered. */
  readonly reAuthorised: readonly string[];
  /** Disconnects by DPR and ends. */
  stop(): Promise<void>;
}

export async function startErlangGateway(identity: {
  readonly host: string;
  readonly realm: string;
}): Promise<ErlangGateway> {
  const directory = makeScratchDirectory('erlang-gateway');
  await compile(directory);
  const { host, realm } = identity;
  const erlang = spawn(
    'erl',
    [
      '-noshell',
      '-kernel',
      'logger_level',
      'error',
      '-pa',
      directory,
      '-run',
      'gateway',
      'main',
      host,
      realm,
    ],
    { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => erlang.once('exit', () => resolve()));
  const waiting: ((line: Line) => void)[] = [];
  const reAuthorised: string[] = [];
  createInterface({ input: erlang.stdout }).on('line', (text) => {
    // Erlang's own reports come here too.
    if (!text.startsWith('{"')) return;
    const line = JSON.parse(text) as Line;
    if (line['request'] === 'RAR') reAuthorised.push(String(line['session']));
    else waiting.shift()?.(line);
  });

  async function ask(command: string): Promise<Line> {
    const answered = new Promise<Line>((resolve) => waiting.push(resolve));
    erlang.stdin.write(`${command}.\n`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fault = new Error(`Erlang did not answer ${command}`);
      timer = setTimeout(() => reject(fault), ANSWER_MS);
    });
    const gone = ended.then(() => {
      throw new Error('Erlang ended');
    });
    const line = await Promise.race([answered, late, gone]);
    clearTimeout(timer);
    if (line['error'] !== undefined) throw new Error(`Erlang: ${JSON.stringify(line)}`);
    return line;
  }

  return {
    reAuthorised,
    connect: async (port) => (await ask(`{connect, ${port}}`))['up'] === true,
    call: async (name, request) =>
      (await ask(`{call, ${atom(name)}, ${term(request)}}`)) as unknown as ErlangAnswer,
    count: async (command, direction) =>
      Number((await ask(`{count, ${command}, ${direction}}`))['count']),
    async stop() {
      if (erlang.exitCode === null) erlang.stdin.write('stop.\n');
      const timer = setTimeout(() => erlang.kill('SIGKILL'), ANSWER_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function compile(directory: string): Promise<void> {
  const library = readdirSync(LIBRARIES).find((name) => name.startsWith('diameter-'));
  const run = promisify(execFile);
  const diameterc = path.join(LIBRARIES, String(library), 'bin', 'diameterc');
  const options = { cwd: directory };
  await run(diameterc, ['-o', directory, path.join(SOURCE, 'credit_control.dia')], options);
  await run('erlc', ['credit_control.erl', path.join(SOURCE, 'gateway.erl')], options);
}

function term(value: AvpValue): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `<<${JSON.stringify(value)}>>`;
  if (isList(value)) return `[${value.map(term).join()}]`;
  return `#{${Object.entries(value)
    .map(([name, member]) => `${atom(name)} => ${term(member)}`)
    .join()}}`;
}

function isList(value: AvpMap | readonly AvpValue[]): value is readonly AvpValue[] {
  return Array.isArray(value);
}

function atom(name: string): string {
  return `'${name}'`;
}
