/**
 * The peer state machine of RFC 6733 section 5.6, for one connection, as one transition function.
 * Ours: a peer may hold several connections, so the state belongs to a connection, and the rows of
 * the R- (responder) and I- (initiator) columns are told apart by where a connection began. Who wins
 * when both sides connect is decided before (`election.ts`).
 */
export type PeerState =
  /** Initiator: the transport connection is on its way (Wait-Conn-Ack). */
  | 'connecting'
  /** Initiator: CER is sent (Wait-I-CEA). */
  | 'wait-cea'
  /** Responder: accepted, and nothing is known of the other side (before R-Conn-CER). */
  | 'wait-cer'
  /** Responder: the election is lost, unless our own connection fails (Wait-Returns). */
  | 'wait-returns'
  /** I-Open and R-Open. */
  | 'open'
  /** DPR was sent or answered. */
  | 'closing'
  | 'closed';

export type PeerEvent =
  | 'connected'
  | 'cer-accepted'
  | 'cer-refused'
  /** We are connecting to the same peer, whose Origin-Host wins. */
  | 'election-lost'
  /** Our own connection to the peer came to nothing. */
  | 'rival-failed'
  | 'cea-accepted'
  | 'cea-refused'
  | 'disconnect-request'
  | 'disconnect-answer'
  /** We want to end the connection. */
  | 'stop'
  | 'timeout'
  /** A message that the state doesn't expect. */
  | 'unexpected'
  /** The transport connection is gone. */
  | 'disconnected';

export type PeerAction =
  | 'send-cer'
  | 'send-cea'
  | 'send-cea-and-disconnect'
  | 'send-dpr'
  | 'send-dpa'
  | 'disconnect'
  /** Tell the owner that requests may flow. */
  | 'opened';

export interface PeerStep {
  readonly state: PeerState;
  readonly actions: readonly PeerAction[];
}

const stay = (state: PeerState): PeerStep => ({ state, actions: [] });
const disconnect: PeerStep = { state: 'closed', actions: ['disconnect'] };

/** What follows from an event. */
export function stepPeer(state: PeerState, event: PeerEvent): PeerStep {
  // any | I-Peer-Disc, R-Peer-Disc | I-Disc, R-Disc | Closed
  if (event === 'disconnected') return { state: 'closed', actions: [] };
  switch (state) {
    case 'connecting':
      return connecting(event);
    case 'wait-cea':
      return waitCea(event);
    case 'wait-cer':
      return waitCer(event);
    case 'wait-returns':
      return waitReturns(event);
    case 'open':
      return open(event);
    case 'closing':
      return closing(event);
    case 'closed':
      return stay('closed');
  }
}

function connecting(event: PeerEvent): PeerStep {
  // Wait-Conn-Ack | I-Rcv-Conn-Ack | I-Snd-CER | Wait-I-CEA
  if (event === 'connected') return { state: 'wait-cea', actions: ['send-cer'] };
  // Wait-Conn-Ack | I-Rcv-Conn-Nack | Cleanup | Closed;  Timeout | Error | Closed
  return disconnect;
}

function waitCea(event: PeerEvent): PeerStep {
  // Wait-I-CEA | I-Rcv-CEA | Process-CEA | I-Open
  if (event === 'cea-accepted') return { state: 'open', actions: ['opened'] };
  // Wait-I-CEA | I-Rcv-Non-CEA | Error | Closed;  Timeout | Error | Closed
  return disconnect;
}

function waitCer(event: PeerEvent): PeerStep {
  // Closed | R-Conn-CER | R-Accept, Process-CER, R-Snd-CEA | R-Open
  if (event === 'cer-accepted') return { state: 'open', actions: ['send-cea', 'opened'] };
  // Closed | R-Conn-CER | R-Reject: with the reason in a CEA, as 5.3 allows
  if (event === 'cer-refused') return { state: 'closed', actions: ['send-cea-and-disconnect'] };
  // Wait-I-CEA | R-Conn-CER | R-Accept, Process-CER, Elect | Wait-Returns
  if (event === 'election-lost') return { state: 'wait-returns', actions: [] };
  // Not in the table: a stranger that says anything else, or nothing in time, is dropped.
  return disconnect;
}

function waitReturns(event: PeerEvent): PeerStep {
  // Wait-Returns | I-Peer-Disc | I-Disc, R-Snd-CEA | R-Open: the request is read again
  if (event === 'rival-failed') return stay('wait-cer');
  // Wait-Returns | I-Rcv-CEA | R-Disc | I-Open;  Timeout | Error | Closed
  return disconnect;
}

function open(event: PeerEvent): PeerStep {
  switch (event) {
    // R-Open | R-Rcv-CER | R-Snd-CEA | R-Open (and the same for I-Open)
    case 'cer-accepted':
      return { state: 'open', actions: ['send-cea'] };
    case 'cer-refused':
      return { state: 'closed', actions: ['send-cea-and-disconnect'] };
    // R-Open | R-Rcv-DPR | R-Snd-DPA | Closing
    case 'disconnect-request':
      return { state: 'closing', actions: ['send-dpa'] };
    // R-Open | Stop | R-Snd-DPR | Closing
    case 'stop':
      return { state: 'closing', actions: ['send-dpr'] };
    // The watchdog gave it up [RFC 3539 3.4.1]: CloseConnection()
    case 'timeout':
      return disconnect;
    // R-Open | R-Rcv-CEA | Process-CEA | R-Open: nothing is left to process
    case 'cea-accepted':
    case 'cea-refused':
    case 'disconnect-answer':
    case 'unexpected':
    case 'election-lost':
    case 'rival-failed':
    case 'connected':
      return stay('open');
    case 'disconnected':
      return stay('closed');
  }
}

function closing(event: PeerEvent): PeerStep {
  switch (event) {
    // Closing | R-Rcv-DPA | R-Disc | Closed;  Timeout | Error | Closed
    case 'disconnect-answer':
    case 'timeout':
      return disconnect;
    // Both sides close at once: answer, and wait for the answer to ours.
    case 'disconnect-request':
      return { state: 'closing', actions: ['send-dpa'] };
    case 'cer-accepted':
    case 'cer-refused':
    case 'cea-accepted':
    case 'cea-refused':
    case 'stop':
    case 'unexpected':
    case 'election-lost':
    case 'rival-failed':
    case 'connected':
      return stay('closing');
    case 'disconnected':
      return stay('closed');
  }
}
