/** Admissions and reports with everything filled in that a test does not speak of. */
import type { AdmissionRequest } from '../../src/charging/admission.js';
import { packTerms } from '../../src/charging/charge-request.js';
import type { NetworkReport } from '../../src/charging/session-report.js';
import { toAmount } from '../../src/domain/amounts.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  rateLine,
  START_MS,
} from './charge-requests.js';

const RETENTION_MS = 24 * 3_600_000;

/** Octets of both directions, at 1 each. */
const plain = chargeService({ key: '0', want: toAmount(1_000) });
const octets = {
  ...plain,
  quota: { ...plain.quota, validitySeconds: 45, shortValiditySeconds: 45 },
};
const free = packTerms({
  ...octets,
  windows: [chargeWindow(rateLine({ id: 'free' }), { kind: 'free' })],
});

function charge(sessionId: string, phase: 'initial' | 'update', now: number) {
  const request = chargeRequest({ phase, number: 0 });
  return {
    ...request,
    sessionId,
    services: [octets],
    policy: { ...request.policy, supervisionMs: 90_000, retentionMs: RETENTION_MS },
    now,
  };
}

/** A login of a PPPoE subscriber for 1,000 octets. */
export function admissionRequest(
  more: Partial<AdmissionRequest> & { readonly sessionId?: string; readonly now?: number } = {},
): AdmissionRequest {
  const { sessionId = 's1', now = START_MS, ...rest } = more;
  return {
    charge: charge(sessionId, 'initial', now),
    requestKey: `login of ${sessionId}`,
    gauges: ['total'],
    freeTerms: [free],
    rates: { total: 0, download: 0, upload: 0 },
    expiresAt: null,
    sessionsMax: null,
    user: 'anna',
    nas: 'bng',
    sessionKey: null,
    station: null,
    port: null,
    interim: { minSeconds: 60, maxSeconds: 300 },
    provisionalMs: 90_000,
    answerMs: 30_000,
    gardens: { noCredit: false, expired: false },
    caps: [],
    network: '{}',
    ...rest,
  };
}

/** An interim report of an admitted session without counters. */
export function networkReport(
  more: Partial<NetworkReport> & { readonly sessionId?: string; readonly now?: number } = {},
): NetworkReport {
  const { sessionId = 's1', now = START_MS, ...rest } = more;
  return {
    charge: charge(sessionId, 'update', now),
    gauges: ['total'],
    freeTerms: [free],
    rates: { total: 0, download: 0, upload: 0 },
    status: 'interim',
    eventAt: now,
    uploadOctets: null,
    downloadOctets: null,
    width: 64,
    sessionSeconds: null,
    user: 'anna',
    nas: 'bng',
    sessionKey: `radius:bng:${sessionId}`,
    station: null,
    port: null,
    handled: true,
    interimMaxSeconds: 300,
    staleFactor: 4,
    caps: [],
    network: null,
    baselineMs: RETENTION_MS,
    expiresAt: null,
    sessionsMax: null,
    ladder: [{ kind: 'disconnect', octetsPerSecond: 0 }],
    ...rest,
  };
}
