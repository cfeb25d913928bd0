/** Balances changed from the command line, while a process carries out what it writes down. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../../src/main.js';
import { testManagement } from '../management/fixture.js';

const management = testManagement();
const synchroniser = management.newSynchroniser();

beforeAll(async () => {
  await management.load(`
version: 1
tenants:
  - code: desk
    resources: [{ code: EUR }]
    accounts:
      - { id: giver, buckets: [{ id: main, resource: EUR, amount: '10.00' }] }
      - { id: taker, buckets: [{ id: purse, resource: EUR, amount: '1.00' }] }
`);
  await synchroniser.runOnce();
  await management.flushed();
  synchroniser.start();
});
afterAll(async () => {
  await synchroniser.stop();
});

async function run(command: string) {
  const out: string[] = [];
  const notes: string[] = [];
  const exitCode = await main(['account', ...command.split(' ')], {
    terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
    environment: { TOLLD_POSTGRES_URL: management.databaseUrl() },
  });
  return { exitCode, out: out.join('\n'), notes: notes.join('\n') };
}

async function left(id: string, bucket: string): Promise<number | undefined> {
  const account = await management.account(id);
  return account?.buckets.find(({ bucketId }) => bucketId === bucket)?.remaining;
}

describe('tolld account', () => {
  test('adjusts, by the same key once, and takes the adjustment back', async () => {
    const command = 'adjust giver --bucket main --amount -2.50 --reason late --key k1 --wait 60';
    const { exitCode, out } = await run(command);
    expect(exitCode).toBe(0);
    const [, event = ''] = /^done: event (\d+) of the account$/.exec(out) ?? [];
    expect(await run(command)).toMatchObject({ exitCode: 0, out: `as before, ${out}` });
    expect(await left('giver', 'main')).toBe(7_500_000);
    const other = await run('adjust giver --bucket main --amount 1 --key k1');
    expect(other).toMatchObject({ exitCode: 1, out: '' });
    expect(other.notes).toContain('the key was used for another change');
    expect(await run(`reverse giver --event ${event} --wait 60`)).toMatchObject({ exitCode: 0 });
    expect(await left('giver', 'main')).toBe(10_000_000);
    const again = await run(`reverse giver --event ${event}`);
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.notes).toContain('reversed before');
  });

  test('grants a bucket and moves money, or says why not', async () => {
    const grant =
      'grant giver --bucket gift --resource EUR --amount 3 --priority 5 --wait 60 --json';
    const granted = await run(grant);
    expect(JSON.parse(granted.out)).toMatchObject({ state: 'applied', repeated: false });
    expect(await left('giver', 'gift')).toBe(3_000_000);
    const move = 'transfer giver taker --bucket gift --to-bucket purse --wait 60';
    expect(await run(`${move} --amount 2`)).toMatchObject({ exitCode: 0 });
    expect([await left('giver', 'gift'), await left('taker', 'purse')]).toEqual([
      1_000_000, 3_000_000,
    ]);
    const much = await run(`${move} --amount 1.000001`);
    expect(much).toMatchObject({ exitCode: 1, out: '' });
    expect(much.notes).toContain('refused, nothing has changed: the bucket does not hold as much');
  });

  test('says that nobody has carried it out yet', async () => {
    await synchroniser.stop();
    const { exitCode, notes } = await run('adjust taker --bucket purse --amount 1 --wait 0');
    expect(exitCode).toBe(1);
    expect(notes).toContain('not carried out within 0 s');
    await management.newSynchroniser().runOnce();
    expect(await left('taker', 'purse')).toBe(4_000_000);
  });

  test('refuses a command line that says too little, and explains itself', async () => {
    expect(await run('adjust giver --bucket main --amount 0')).toMatchObject({ exitCode: 2 });
    expect(await run('transfer giver taker --bucket main --amount -1')).toMatchObject({
      exitCode: 2,
    });
    expect((await run('adjust nobody --bucket main --amount 1')).notes).toContain('nobody');
    expect((await run('adjust giver --bucket none --amount 1')).notes).toContain('no bucket none');
    const help = await run('transfer --help');
    expect(help).toMatchObject({ exitCode: 0 });
    expect(help.out).toContain('same key');
  });
});
