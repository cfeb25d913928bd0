import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listenForStop, type StopSignal } from '../../../src/cli/stop-signal.js';

let stop: StopSignal | undefined;
beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => {
  stop?.dispose();
  vi.useRealTimers();
});

test('the first signal is told by its name', async () => {
  stop = listenForStop({ onImpatience: vi.fn() });
  process.emit('SIGTERM', 'SIGTERM');
  expect(await stop.received).toBe('SIGTERM');
});

test('one Ctrl-C that arrives twice is one request', () => {
  const onImpatience = vi.fn();
  stop = listenForStop({ onImpatience });
  process.emit('SIGINT', 'SIGINT');
  vi.advanceTimersByTime(100);
  process.emit('SIGINT', 'SIGINT');
  expect(onImpatience).not.toHaveBeenCalled();
});

test('whoever asks again later does not want to wait', () => {
  const onImpatience = vi.fn();
  stop = listenForStop({ onImpatience });
  process.emit('SIGINT', 'SIGINT');
  vi.advanceTimersByTime(1_500);
  process.emit('SIGTERM', 'SIGTERM');
  expect(onImpatience).toHaveBeenCalledOnce();
});

test('signals have their usual effect again afterwards', () => {
  const before = process.listenerCount('SIGTERM');
  stop = listenForStop({ onImpatience: vi.fn() });
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  stop.dispose();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
