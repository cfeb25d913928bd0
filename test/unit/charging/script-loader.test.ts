import { readdirSync } from 'node:fs';
import path from 'node:path';
import luaparse from 'luaparse';
import { describe, expect, it } from 'vitest';
import { readScripts, SCRIPT_NAMES } from '../../../src/charging/script-loader.js';

const scripts = readScripts();
const { name, source } = scripts.library;

describe('the library of scripts', () => {
  it('holds every script of lua/, and no other', () => {
    const files = readdirSync(path.resolve(import.meta.dirname, '../../../lua'))
      .filter((file) => file.endsWith('.lua'))
      .map((file) => file.slice(0, -'.lua'.length));
    // A batch has no caller of its own.
    const names = [...SCRIPT_NAMES, 'batch'] as const;
    expect([...names].toSorted()).toEqual(files.toSorted());
    for (const script of names) {
      expect(source).toContain(`function_name = '${scripts.functionName(script)}'`);
    }
  });

  it('begins with its engine and name, which Redis reads', () => {
    expect(source.startsWith(`#!lua name=${name}\n`)).toBe(true);
    expect(name).toMatch(/^tolld_[0-9a-f]{8}$/);
  });

  it('has every include once, before what uses it', () => {
    expect(source).not.toContain('@include');
    for (const shared of ['read_time', 'open_partition', 'plan_walk', 'charge_session']) {
      const declaration = new RegExp(`^(?:local )?function ${shared}\\(`, 'm');
      expect(source.split(declaration), shared).toHaveLength(2);
      expect(source.indexOf(` ${shared}(`), shared).toBe(
        source.search(declaration) + 'function'.length,
      );
    }
  });

  it('names no constant of the layout any more: numbers stand in their places', () => {
    expect(source).not.toMatch(/\b(ACCOUNT|BUCKET|SESSION|SERVICE|REPLY|REQUEST|EVENT)_[A-Z_]+\b/);
  });

  it('leaves room for the locals of what comes next: Lua takes 200 and no more', () => {
    const chunk = luaparse.parse(source.replace(/^#!.*/, ''), { luaVersion: '5.1' });
    const locals = chunk.body.reduce((count, statement) => {
      if (statement.type === 'LocalStatement') return count + statement.variables.length;
      return statement.type === 'FunctionDeclaration' && statement.isLocal ? count + 1 : count;
    }, 0);
    expect(locals).toBeLessThan(195);
  });

  it('is named by what it does: the same files give the same name', () => {
    expect(readScripts().library).toEqual(scripts.library);
  });

  it('lets run when memory is out what reports, releases and expires, and nothing that grants', () => {
    const flags = new Map(
      [...SCRIPT_NAMES, 'batch' as const].map((script) => [
        script,
        new RegExp(
          `function_name = '${scripts.functionName(script)}', callback = with_clock\\(scripts\\.${script}\\), flags = \\{ ([^}]*)\\}`,
        ).exec(source)?.[1] ?? 'not registered',
      ]),
    );
    for (const script of ['settle', 'sweep', 'purge'] as const) {
      expect(flags.get(script), script).toContain("'allow-oom'");
    }
    for (const script of ['charge', 'credit', 'provision'] as const) {
      expect(flags.get(script), script).not.toContain('allow-oom');
    }
    for (const script of ['batch', 'charge', 'admit', 'report'] as const) {
      expect(flags.get(script)?.trim(), `${script}: all in a batch are refused alike`).toBe('');
    }
    for (const script of ['enquire', 'snapshot'] as const) {
      expect(flags.get(script), script).toContain("'no-writes'");
    }
  });
});
