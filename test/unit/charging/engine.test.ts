import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  callScript,
  EngineOutOfMemoryError,
  EngineReplyError,
  EngineUnavailableError,
  statusOf,
  type Engine,
} from '../../../src/charging/engine.js';
import { createKeys } from '../../../src/charging/keys.js';
import { readScripts, type ScriptReply } from '../../../src/charging/script-loader.js';

/** An engine whose calls end one after the other as the list says. */
function engineThat(ends: readonly (ScriptReply | Error)[], requestTimeoutMs = 1_000) {
  const calls: string[] = [];
  const engine: Engine = {
    redis: undefined as never,
    scripts: {
      ...readScripts(),
      run: async (_redis, name) => {
        const end = ends[calls.length] ?? ends.at(-1);
        calls.push(name);
        if (end instanceof Error) throw end;
        return end ?? [];
      },
    },
    keys: createKeys('t'),
    limits: { requestTimeoutMs },
  };
  return { engine, calls };
}

function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

describe('a call of a script', () => {
  it('is made again when the connection was lost, since it may not have run', async () => {
    const { engine, calls } = engineThat([new Error('Connection is closed.'), [1]]);
    expect(await callScript(engine, 'charge', [], [])).toEqual([1]);
    expect(calls).toEqual(['charge', 'charge']);
  });

  it.each(['LOADING x', 'READONLY x', 'MASTERDOWN x', 'CLUSTERDOWN x', 'TRYAGAIN x', 'BUSY x'])(
    'is made again while Redis says %s',
    async (message) => {
      const { engine, calls } = engineThat([replyError(message), [1]]);
      expect(await callScript(engine, 'charge', [], [])).toEqual([1]);
      expect(calls).toHaveLength(2);
    },
  );

  it('is made again when somebody killed it, which is before it wrote anything', async () => {
    const killed = 'ERR user_function:1: Script killed by user with FUNCTION KILL.';
    const { engine, calls } = engineThat([replyError(killed), [1]]);
    expect(await callScript(engine, 'charge', [], [])).toEqual([1]);
    expect(calls).toHaveLength(2);
  });

  it('is not made again when the script failed', async () => {
    const error = replyError('ERR user_function: attempt to index a nil value');
    const { engine, calls } = engineThat([error]);
    await expect(callScript(engine, 'charge', [], [])).rejects.toBe(error);
    expect(calls).toHaveLength(1);
  });

  it('is given up when the time is over, with the last reason', async () => {
    const { engine, calls } = engineThat([new Error('Connection is closed.')], 90);
    const failure = callScript(engine, 'charge', [], []);
    await expect(failure).rejects.toBeInstanceOf(EngineUnavailableError);
    await expect(failure).rejects.toThrow('Connection is closed.');
    expect(calls.length).toBeGreaterThan(1);
  });

  it('tells that memory is out from everything else', async () => {
    const { engine, calls } = engineThat([
      replyError("OOM command not allowed when used memory > 'maxmemory'."),
    ]);
    await expect(callScript(engine, 'charge', [], [])).rejects.toBeInstanceOf(
      EngineOutOfMemoryError,
    );
    expect(calls).toHaveLength(1);
  });
});

describe('a reply that no script gives', () => {
  it('is an error, not a guess', () => {
    expect(() => statusOf([])).toThrow(EngineReplyError);
    expect(() => statusOf([Buffer.from('1')])).toThrow(EngineReplyError);
    expect(() => bytesOf([1], 1)).toThrow(EngineReplyError);
    expect(() => bytesOf([1, 2], 1)).toThrow(EngineReplyError);
  });
});
