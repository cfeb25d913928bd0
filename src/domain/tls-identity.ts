/** What both ends of a TLS connection are known by, on both fronts. */

/** PEM texts: our key and certificate chain, and the authorities that sign those of peers. */
export interface TlsMaterial {
  readonly key: string;
  readonly certificate: string;
  readonly authorities: readonly string[];
}

/** Names of a peer's certificate: its DNS names, addresses and common name. */
export function certificateNames(certificate: {
  readonly subjectaltname?: string;
  readonly subject?: { readonly CN?: string | string[] };
}): string[] {
  const alternatives = (certificate.subjectaltname ?? '')
    .split(', ')
    // Anything quoted or odd is left out: it could hide a name inside another.
    .map((entry) => /^(?:DNS|IP Address):([\w.:-]+)$/.exec(entry)?.[1] ?? '');
  const common = certificate.subject?.CN ?? [];
  return [...alternatives, ...(typeof common === 'string' ? [common] : common)].filter(
    (name) => name !== '',
  );
}
