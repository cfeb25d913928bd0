/** A certificate authority of a test's own, made by OpenSSL's command line. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

export interface TestAuthority {
  readonly certificate: string;
  /** Signs a certificate for these DNS names; the first one is the common name too. */
  issue(names: readonly string[]): KeyAndCertificate;
  remove(): void;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function createAuthority(): TestAuthority {
  const folder = mkdtempSync(path.join(tmpdir(), 'tolld-certificates-'));
  const at = (name: string): string => path.join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const root = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority', '-days', '2'];
  openssl('req', '-x509', ...KEY, ...root);
  let issued = 0;
  return {
    certificate: readFileSync(at('ca.pem'), 'utf8'),
    issue: (names) => {
      issued += 1;
      const name = `leaf${issued}`;
      const subject = `/CN=${names[0] ?? 'nobody'}`;
      openssl('req', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
      writeFileSync(at(`${name}.ext`), `subjectAltName=${names.map((one) => `DNS:${one}`).join()}`);
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
      openssl('x509', '-req', ...by, ...files);
      return {
        key: readFileSync(at(`${name}.key`), 'utf8'),
        certificate: readFileSync(at(`${name}.pem`), 'utf8'),
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
