/** What the outbox thread and the process around it tell each other. */
import type { BacklogState } from '../outbox/backlog.js';

export type ToOutboxThread =
  { readonly kind: 'stop' } | { readonly kind: 'exposition'; readonly id: number };

export type FromOutboxThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'state'; readonly state: BacklogState }
  /** One line of the log, JSON. */
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'exposition'; readonly id: number; readonly text: string };
