import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTlsFiles, TlsFilesError, type TlsFileNames } from '../../src/tls-files.js';
import { createAuthority, type KeyAndCertificate } from '../support/certificates.js';
import { makeScratchDirectory } from '../support/scratch-directory.js';

const authority = createAuthority();
afterAll(() => authority.remove());

const first = authority.issue(['tolld-1.ocs.example']);
const second = authority.issue(['tolld-1.ocs.example']);

let ticks = 0;
function write(files: TlsFileNames, { key, certificate }: KeyAndCertificate): void {
  const content = [
    [files.keyFile, key],
    [files.certificateFile, certificate],
    [files.authoritiesFile, authority.certificate],
  ] as const;
  ticks += 10;
  for (const [file, text] of content) {
    writeFileSync(file, text);
    // Two writes within the clock's grain would look like one.
    utimesSync(file, ticks, ticks);
  }
}

function newFiles(content: KeyAndCertificate): TlsFileNames {
  const directory = makeScratchDirectory('tls-files');
  const files = {
    keyFile: path.join(directory, 'key.pem'),
    certificateFile: path.join(directory, 'certificate.pem'),
    authoritiesFile: path.join(directory, 'authorities.pem'),
  };
  write(files, content);
  return files;
}

describe('the certificate of a node', () => {
  it('is none where no file is named', () => {
    expect(openTlsFiles({ keyFile: '', certificateFile: '', authoritiesFile: '' })).toBeNull();
  });

  it('is read from its files, and again when they change', () => {
    const names = newFiles(first);
    const files = openTlsFiles(names);
    expect(files?.current).toEqual({ ...first, authorities: [authority.certificate] });
    expect(files?.renewed()).toBeNull();
    write(names, second);
    expect(files?.renewed()).toEqual({ ...second, authorities: [authority.certificate] });
    expect(files?.current.key).toBe(second.key);
    expect(files?.renewed()).toBeNull();
  });

  it('stays what it was while the new files do not fit together', () => {
    const names = newFiles(first);
    const files = openTlsFiles(names);
    write(names, { ...second, key: first.key });
    expect(() => files?.renewed()).toThrow(TlsFilesError);
    expect(files?.current.certificate).toBe(first.certificate);
    write(names, second);
    expect(files?.renewed()?.certificate).toBe(second.certificate);
  });

  it('is refused with the name of the file that is missing', () => {
    const names = { ...newFiles(first), certificateFile: '/nowhere/certificate.pem' };
    expect(() => openTlsFiles(names)).toThrow('tls.certificateFile: /nowhere/certificate.pem');
  });

  it.each([
    ['a key of another certificate', { key: second.key, certificate: first.certificate }],
    ['a file that is no PEM', { key: 'secret', certificate: first.certificate }],
  ])('is refused for %s, without showing what the files hold', (_what, content) => {
    let message = '';
    try {
      openTlsFiles(newFiles(content));
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('do not fit together');
    expect(message).not.toContain(content.key);
  });
});
