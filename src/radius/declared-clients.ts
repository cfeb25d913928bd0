/** Clients of the front from what the operator declares, with their secrets opened. */
import type { NasDeclaration } from '../domain/nas.js';
import type { SealedText } from '../domain/sealed-text.js';
import type { NasClientOptions } from './nas-clients.js';

export interface DeclaredClients {
  readonly clients: readonly NasClientOptions[];
  /** NAS that must stay outside, and why: a secret that can't be opened closes out no other. */
  readonly faults: readonly { readonly nas: string; readonly error: unknown }[];
}

/** `open` opens a secret of the NAS of that name; what it throws keeps this one outside. */
export function declaredClients(
  declarations: readonly NasDeclaration[],
  open: (nas: string, sealed: SealedText) => string,
): DeclaredClients {
  const clients: NasClientOptions[] = [];
  const faults: { readonly nas: string; readonly error: unknown }[] = [];
  for (const declaration of declarations) {
    try {
      clients.push(clientOf(declaration, (sealed) => open(declaration.name, sealed)));
    } catch (error) {
      faults.push({ nas: declaration.name, error });
    }
  }
  return { clients, faults };
}

function clientOf(
  { services = [], dynamicAuthorization, secrets, ...declared }: NasDeclaration,
  open: (sealed: SealedText) => string,
): NasClientOptions {
  const [service, ...others] = services;
  return {
    ...declared,
    secrets: secrets.map(open),
    // One that offers a single service needn't say of a session which it is.
    ...(service !== undefined && others.length === 0 && { connection: service }),
    ...(dynamicAuthorization !== undefined && {
      dynamicAuthorization: openSteering(dynamicAuthorization, open),
    }),
  };
}

function openSteering(
  { secret, ...rest }: NonNullable<NasDeclaration['dynamicAuthorization']>,
  open: (sealed: SealedText) => string,
): NonNullable<NasClientOptions['dynamicAuthorization']> {
  return { ...rest, ...(secret !== undefined && { secret: open(secret) }) };
}
