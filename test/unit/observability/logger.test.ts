import { expect, test } from 'vitest';
import { createLogger, type LogLevel } from '../../../src/observability/logger.js';

function capture(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (text: string) => {
      lines.push(JSON.parse(text) as Record<string, unknown>);
    },
  };
  return { lines, logger: createLogger({ level, fields: { node: 'n1' } }, { destination }) };
}

test('a line carries its fields, the node, the level as a word and a time in ISO 8601', () => {
  const { lines, logger } = capture('info');
  logger.child({ part: 'flusher' }).info({ entries: 3 }, 'batch written');
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      node: 'n1',
      part: 'flusher',
      entries: 3,
      msg: 'batch written',
    },
  ]);
});

test('lines below the level are not written', () => {
  const { lines, logger } = capture('warn');
  logger.info({}, 'quiet');
  logger.warn({}, 'loud');
  expect(lines.map((line) => line['msg'])).toEqual(['loud']);
  expect(logger.isLevelEnabled('info')).toBe(false);
});

test.each(['password', 'secret', 'sharedSecret', 'token', 'url'])(
  'the value of a field named %s is never written, nor one level down',
  (field) => {
    const { lines, logger } = capture('info');
    logger.info({ [field]: 'hunter2', peer: { [field]: 'hunter2', host: 'h' } }, 'connected');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines[0]?.['peer']).toEqual({ [field]: '[secret]', host: 'h' });
  },
);

test('an error is written with its message, code and stack', () => {
  const { lines, logger } = capture('error');
  logger.error({ err: Object.assign(new Error('gone'), { code: 'TOLLD_X' }) }, 'failed');
  expect(lines[0]?.['err']).toMatchObject({
    message: 'gone',
    code: 'TOLLD_X',
    stack: expect.stringContaining('gone') as string,
  });
});
