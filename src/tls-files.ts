/** The certificate of this node, read from the files that the configuration names. */
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { TlsMaterial } from './domain/tls-identity.js';

/** The files can't be used; the message says which and what to do. */
export class TlsFilesError extends Error {
  readonly code = 'TOLLD_TLS_FILES';
}

/** PEM files; all empty where this node has no certificate. */
export interface TlsFileNames {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly authoritiesFile: string;
}

export interface TlsFiles {
  /** What the files held when they were read last. */
  readonly current: TlsMaterial;
  /**
   * Reads them again where one has changed. @returns the new material, or null when nothing did.
   * @throws TlsFilesError when they no longer fit together; `current` stays as it was.
   */
  renewed(): TlsMaterial | null;
}

/**
 * Reads and checks the files; null when none is configured.
 * @throws TlsFilesError
 */
export function openTlsFiles(settings: TlsFileNames): TlsFiles | null {
  if (settings.keyFile === '') return null;
  let stamp = stampOf(settings);
  let current = read(settings);
  return {
    get current() {
      return current;
    },
    renewed() {
      const now = stampOf(settings);
      if (now === stamp) return null;
      stamp = now;
      current = read(settings);
      return current;
    },
  };
}

function read(settings: TlsFileNames): TlsMaterial {
  const key = readText(settings.keyFile, 'tls.keyFile');
  const certificate = readText(settings.certificateFile, 'tls.certificateFile');
  const authorities = [readText(settings.authoritiesFile, 'tls.authoritiesFile')];
  try {
    createSecureContext({ key, cert: certificate, ca: authorities });
  } catch (error) {
    throw new TlsFilesError(
      'the files of tls.keyFile, tls.certificateFile and tls.authoritiesFile do not fit together: ' +
        `${messageOf(error)}; write PEM files, the certificate being that of the key`,
    );
  }
  return { key, certificate, authorities };
}

function readText(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TlsFilesError(
      `${setting}: ${file} can not be read: ${messageOf(error)}; ` +
        'name a file that the user of the daemon may read',
    );
  }
}

/** Changes when one of the files does. A file that is away for a moment is being replaced. */
function stampOf({ keyFile, certificateFile, authoritiesFile }: TlsFileNames): string {
  return [keyFile, certificateFile, authoritiesFile]
    .map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 'away')
    .join();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
