/** Whom a certificate speaks of: what TLS peers of both fronts are known by. */

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
