import { describe, expect, it } from 'vitest';
import { EngineUnavailableError } from '../../../src/charging/engine.js';
import { startPatiently } from '../../../src/cli/patient-start.js';
import { createLogger } from '../../../src/observability/logger.js';

const logger = createLogger({ level: 'silent' });

/** A start that fails as the list says, one entry for each try, and then does not. */
function startThat(failures: readonly Error[]) {
  let tries = 0;
  const start = async (): Promise<string> => {
    const failure = failures[tries];
    tries += 1;
    if (failure !== undefined) throw failure;
    return 'started';
  };
  return { start, tries: () => tries };
}

function silence(fields: { readonly code?: string; readonly name?: string }, message = ''): Error {
  return Object.assign(new Error(message), fields);
}

const patient = () => ({ waitMs: 60_000, pauseMs: 1, signal: new AbortController().signal });

describe('a start', () => {
  it.each([
    ['nobody listens', silence({ code: 'ECONNREFUSED' })],
    ['Redis takes too long', silence({}, 'Command timed out')],
    ['Redis ends the connection', silence({}, 'Connection is closed.')],
    ['a request of the engine was not answered', new EngineUnavailableError(new Error('x'))],
    [
      'a thread was not answered, and its error came without its class',
      new Error(new EngineUnavailableError(new Error('x')).message),
    ],
    ['Redis loads its data', silence({ name: 'ReplyError' }, 'LOADING Redis is loading')],
    ['Postgres starts', silence({ code: '57P03' }, 'the database system is starting up')],
  ])('is tried again while %s', async (_what, failure) => {
    const { start, tries } = startThat([failure]);
    expect(await startPatiently(patient(), { start, logger })).toBe('started');
    expect(tries()).toBe(2);
  });

  it.each([
    ['Redis does not let us in', silence({ name: 'ReplyError' }, 'WRONGPASS invalid')],
    ['Postgres does not let us in', silence({ code: '28P01' }, 'password authentication failed')],
    ['its own port is taken', silence({ code: 'EADDRINUSE' }, 'listen EADDRINUSE')],
    ['Redis is set up wrongly', silence({ code: 'TOLLD_NODE_START' }, 'Redis is not fit')],
  ])('fails at once where %s', async (_what, failure) => {
    const { start, tries } = startThat([failure, failure]);
    await expect(startPatiently(patient(), { start, logger })).rejects.toBe(failure);
    expect(tries()).toBe(1);
  });

  it('fails as its last try did when the time is up', async () => {
    let tries = 0;
    const start = async (): Promise<never> => {
      tries += 1;
      throw silence({ code: 'ECONNREFUSED' }, `try ${tries}`);
    };
    const outcome = startPatiently({ ...patient(), waitMs: 5 }, { start, logger });
    const error = await outcome.catch((thrown: unknown) => thrown);
    // How many tries fit into the time is the machine's affair.
    expect(tries).toBeGreaterThan(1);
    expect(error).toMatchObject({ message: `try ${tries}` });
  });

  it('is given up when the process is asked to end', async () => {
    const stop = new AbortController();
    const failure = silence({ code: 'ECONNREFUSED' });
    let tries = 0;
    const start = async (): Promise<never> => {
      tries += 1;
      if (tries === 2) stop.abort();
      throw failure;
    };
    const starting = startPatiently({ ...patient(), signal: stop.signal }, { start, logger });
    await expect(starting).rejects.toBe(failure);
    expect(tries).toBe(2);
  });
});
