/** The programs that the tests run against: real peers, and a second opinion on our bytes. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { findInstallRight, hasProgram, installIntoSystem } from '../src/local/debian-packages.js';
import type { Progress } from '../src/local/progress.js';
import { findRedisCommand } from '../src/local/redis-command.js';

const ERLANG_LIBRARIES = '/usr/lib/erlang/lib';

/** Whether this part of Erlang's Diameter application is installed. */
function hasErlangDiameter(part: 'ebin' | 'include'): boolean {
  if (!existsSync(ERLANG_LIBRARIES)) return false;
  return readdirSync(ERLANG_LIBRARIES).some(
    (name) => name.startsWith('diameter-') && existsSync(path.join(ERLANG_LIBRARIES, name, part)),
  );
}

interface TestProgram {
  readonly isThere: () => boolean;
  readonly debianPackage: string;
  readonly purpose: string;
}

const PROGRAMS: readonly TestProgram[] = [
  {
    isThere: () => findRedisCommand() !== null,
    debianPackage: 'redis-server',
    purpose: 'runs the scripts',
  },
  {
    isThere: () => hasProgram('freeDiameterd'),
    debianPackage: 'freediameter',
    purpose: 'relays Diameter',
  },
  {
    isThere: () => hasProgram('erlc') && hasErlangDiameter('ebin'),
    debianPackage: 'erlang-diameter',
    purpose: 'plays a gateway',
  },
  {
    isThere: () => hasErlangDiameter('include'),
    debianPackage: 'erlang-dev',
    purpose: 'compiles that gateway',
  },
  { isThere: () => hasProgram('tshark'), debianPackage: 'tshark', purpose: 'reads what was sent' },
  {
    isThere: () => hasProgram('radclient'),
    debianPackage: 'freeradius-utils',
    purpose: 'speaks RADIUS',
  },
  {
    isThere: () => hasProgram('eapol_test'),
    debianPackage: 'eapoltest',
    purpose: 'logs in by EAP',
  },
  {
    isThere: () => hasProgram('freeradius'),
    debianPackage: 'freeradius',
    purpose: 'proxies RADIUS',
  },
  { isThere: () => hasProgram('openvpn'), debianPackage: 'openvpn', purpose: 'is a NAS' },
  {
    isThere: () => existsSync('/usr/lib/openvpn/radiusplugin.so'),
    debianPackage: 'openvpn-auth-radius',
    purpose: 'lets OpenVPN speak RADIUS',
  },
  { isThere: () => hasProgram('pamtester'), debianPackage: 'pamtester', purpose: 'logs in by PAM' },
  {
    isThere: () => existsSync('/usr/share/doc/libpam-radius-auth'),
    debianPackage: 'libpam-radius-auth',
    purpose: 'lets PAM speak RADIUS',
  },
  {
    isThere: () => existsSync('/usr/share/doc/libpam-wrapper'),
    debianPackage: 'libpam-wrapper',
    purpose: 'gives PAM services of a test',
  },
];

/** The tests can't run here without a person's help; the message says which command helps. */
export class TestProgramsMissingError extends Error {
  constructor(missing: readonly TestProgram[]) {
    const packages = missing.map(({ debianPackage }) => debianPackage).join(' ');
    super(
      [
        'The tests need programs that are not installed and that you may not install:',
        ...missing.map(({ debianPackage, purpose }) => `  ${debianPackage.padEnd(18)}${purpose}`),
        'On Debian or Ubuntu, run this and then `npm test` again:',
        `  sudo apt-get install -y --no-install-recommends ${packages}`,
        'Elsewhere, install what those packages hold (Redis 7, freeDiameter, Erlang with its',
        'Diameter application, tshark, radclient, eapol_test, FreeRADIUS, OpenVPN and PAM with their',
        'RADIUS plugins, pamtester).',
        '`npm run check` needs none of them.',
      ].join('\n'),
    );
    this.name = 'TestProgramsMissingError';
  }
}

/** @throws TestProgramsMissingError where they are missing and can't be installed. */
export async function provideTestPrograms({
  progress,
}: {
  readonly progress: Progress;
}): Promise<void> {
  const missing = PROGRAMS.filter((program) => !program.isThere());
  if (missing.length === 0) return;
  const right = findInstallRight();
  if (right !== 'root' && right !== 'sudo') throw new TestProgramsMissingError(missing);
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const step = progress.begin(`installing ${packages.join(', ')} (apt-get)`);
  await installIntoSystem(packages, right);
  const stillMissing = missing.filter((program) => !program.isThere());
  if (stillMissing.length > 0) throw new TestProgramsMissingError(stillMissing);
  step.done(`${packages.join(', ')} installed`);
}
