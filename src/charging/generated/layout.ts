// Made by `npm run generate:layout` from lua/include/layout.lua. Do not edit.
// Positions and codes shared by the scripts and by TypeScript. One `NAME = number` a line: the
// loader puts the number where a script says the name, and src/charging/generated/layout.ts is
// made from this file, so neither side can drift.

// Version of every packed value below. A script refuses a newer one.
export const SCHEMA_VERSION = 1;

// Reply: { status, payload }
export const REPLY_DONE = 1;
export const REPLY_REPEATED = 2;
export const REPLY_FENCED = 3;
export const REPLY_NEWER_STATE = 4;
export const REPLY_UNKNOWN_ACCOUNT = 5;
export const REPLY_STALE_PROFILE = 6;
export const REPLY_UNKNOWN_SESSION = 7;
export const REPLY_CONFLICT = 8;
export const REPLY_STALE_NUMBER = 9;
export const REPLY_SERVICE_DENIED = 10;
export const REPLY_OUT_OF_ORDER = 11;
export const REPLY_REFUSED = 12;
export const REPLY_NOT_DUE = 13;
export const REPLY_OTHER_ACCOUNT = 14;
export const REPLY_OWNER_NEEDED = 15;
export const REPLY_AMOUNT_RANGE = 16;
export const REPLY_OTHER_SESSION = 17;
export const REPLY_MOVED = 18;
export const REPLY_AUTHORIZATION_REJECTED = 19;
export const REPLY_STEERING_NEEDED = 20;
export const REPLY_TERMS_UNKNOWN = 21;
export const REPLY_FAILED_BEFORE = 22;

// A call within a batch; so much more where it tells of its server
export const BATCHED_CHARGE = 1;
export const BATCHED_ADMIT = 2;
export const BATCHED_REPORT = 3;
export const BATCHED_ADMIT_UNFAILED = 4;
export const BATCHED_TELLING = 128;

// One past the largest exact amount: 2^53.
export const AMOUNT_LIMIT = 9007199254740992;

// Account: header and buckets in one packed array. ACCOUNT_BUCKETS is flat, three elements a
// bucket, in consumption order: its id, its resource, and the bucket packed apart, so that a charge
// unpacks only those it meets (docs/adr/0002).
export const ACCOUNT_VERSION = 1;
export const ACCOUNT_ID = 2;
export const ACCOUNT_SEQUENCE = 3;
export const ACCOUNT_LAST_SEEN = 4;
export const ACCOUNT_SLACK = 5;
export const ACCOUNT_STANDING = 6;
export const ACCOUNT_PROFILE = 7;
export const ACCOUNT_INTENT = 8;
export const ACCOUNT_NEXT_CHANGE = 9;
export const ACCOUNT_BUCKETS = 10;
export const ACCOUNT_STARVED = 11;
export const ACCOUNT_COUNTERS = 12;
export const ACCOUNT_THRESHOLDS = 13;
export const ACCOUNT_PENDING = 14;

// What an account leaves behind in a partition: its version, id and sequence as above, where it went,
// and its packed state until that stands there; false from then on. The sequence is that of its
// moved-out event: of two moves the later has the higher.
export const MOVED_TO = 4;
export const MOVED_STATE = 5;

// Threshold of an account
export const THRESHOLD_ID = 1;
export const THRESHOLD_RESOURCE = 2;
export const THRESHOLD_BUNDLE = 3;
export const THRESHOLD_PERCENT = 4;
export const THRESHOLD_LEVEL = 5;
export const THRESHOLD_ARMED = 6;
// Whether answers say that the balance is low while it is crossed
export const THRESHOLD_LOW = 7;

export const THRESHOLD_CROSSED = 1;
export const THRESHOLD_REARMED = 2;

export const STANDING_ACTIVE = 1;
export const STANDING_SUSPENDED = 2;
export const STANDING_CLOSED = 3;

// Bucket
export const BUCKET_ID = 1;
export const BUCKET_RESOURCE = 2;
export const BUCKET_KIND = 3;
export const BUCKET_PRIORITY = 4;
export const BUCKET_STATE = 5;
export const BUCKET_START = 6;
export const BUCKET_END = 7;
export const BUCKET_CREATED = 8;
export const BUCKET_REMAINING = 9;
export const BUCKET_RESERVED = 10;
export const BUCKET_FLOOR = 11;
export const BUCKET_STEP = 12;
export const BUCKET_BLOCKER = 13;
export const BUCKET_SCOPE = 14;
export const BUCKET_BUNDLE = 15;
export const BUCKET_DURATION = 16;
export const BUCKET_GRANTED = 17;
export const BUCKET_AFTER = 18;
// Taken out of use by staff, not used up: a credit doesn't bring it back. Not there otherwise.
export const BUCKET_SUSPENDED = 19;

export const KIND_UNITS = 1;
export const KIND_MONEY = 2;

export const STATE_PENDING = 1;
export const STATE_ARMED = 2;
export const STATE_ACTIVE = 3;
export const STATE_INACTIVE = 4;

// Floor of a money bucket that has none (postpaid without a limit); and the most money that a run
// of money buckets counts as having together.
export const NO_FLOOR = -4503599627370496;
export const AVAILABLE_MAX = 4503599627370496;

// Scope of a bucket: four sets, false where anything matches
export const SCOPE_CONTEXTS = 1;
export const SCOPE_RATING_GROUPS = 2;
export const SCOPE_ZONES = 3;
export const SCOPE_BANDS = 4;

// Consumption order of a resource
export const ORDER_EARLIEST_EXPIRING = 1;
export const ORDER_EARLIEST_STARTED = 2;
export const ORDER_LATEST_STARTED = 3;
export const ORDER_SMALLEST = 4;
export const ORDER_LARGEST = 5;

// Session header (field h); the stamp of its first request is field m, written once
export const SESSION_VERSION = 1;
export const SESSION_STATE = 2;
export const SESSION_ACCOUNT = 3;
export const SESSION_OPENED = 4;
export const SESSION_LAST_NUMBER = 5;
export const SESSION_LAST_SEEN = 6;
export const SESSION_DEADLINE = 7;
export const SESSION_TIMER = 8;
export const SESSION_RETENTION = 9;
export const SESSION_OWNER = 10;
export const SESSION_STARVED = 11;
export const SESSION_SERVICES = 12;

export const SESSION_OPEN = 1;
export const SESSION_CLOSED = 2;
export const SESSION_EXPIRED = 3;

// Service of a session (field s:<service>)
export const SERVICE_UNIT = 1;
export const SERVICE_COST = 2;
export const SERVICE_WINDOW = 3;
export const SERVICE_NEXT = 4;
export const SERVICE_GROSS = 5;
export const SERVICE_OPENED = 6;
export const SERVICE_TOTALS = 7;
export const SERVICE_STEPS = 8;
export const SERVICE_NUMBER = 9;
export const SERVICE_USED = 10;
export const SERVICE_GRANTED = 11;
export const SERVICE_VALID_UNTIL = 12;
export const SERVICE_LEGS = 13;

// Leg: flat triples in SERVICE_LEGS: bucket id, amount reserved, units it covers. The money legs of
// one run follow each other; the first carries the units of the run, the others 0.
export const LEG_WIDTH = 3;

// First octet (^) of the id of a bucket that is the sharing owner's, in SERVICE_LEGS and SERVICE_STEPS:
// a member may have one of the same id. No bucket's own id begins so.
export const OWNER_MARK = 94;

// Window of a rate line: packed in the terms of a request. A reservation names by its digest the window
// that prices it, as SERVICE_WINDOW, and as SERVICE_NEXT the one after a tariff change inside the
// validity time; field w:<service> of the session holds the two themselves, packed. WINDOW_LABEL is
// text for the event: "<line id> <zone>"; what stands behind it is put in by the scripts.
export const WINDOW_FROM = 1;
export const WINDOW_UNTIL = 2;
export const WINDOW_CURRENCY = 3;
export const WINDOW_LINE = 4;
export const WINDOW_PERIOD = 5;
export const WINDOW_KIND = 6;
export const WINDOW_LABEL = 7;
export const WINDOW_PACKED = 8;
export const WINDOW_DIGEST = 9;
export const WINDOW_IN_ANSWER = 10;
export const WINDOW_IN_EVENT = 11;
export const WINDOW_ALONE = 12;
export const WINDOW_NAMED = 13;
export const WINDOW_KEPT = 14;

export const WINDOW_CHARGED = 1;
export const WINDOW_FREE = 2;
export const WINDOW_NOT_CHARGEABLE = 3;

// Rate line (src/rating/rate-line.ts). Pulses are flat pairs (from, step), tiers flat
// triples (from, num, den).
export const LINE_ID = 1;
export const LINE_PULSES = 2;
export const LINE_TIERS = 3;
export const LINE_COUNTER = 4;
export const LINE_CONNECTION = 5;
export const LINE_MINIMUM = 6;
export const LINE_CAP = 7;
export const LINE_UNITS_MAX = 8;
// Put in by the scripts: whether its price is one of each unit and nothing else
export const LINE_FLAT = 9;

// Charge request (ARGV). charge and settle get its stamp as an argument of its own behind it, and the
// terms, where they are not only named; and its session and account are the keys' there, false in it
// (lua/include/open_request.lua).
export const REQUEST_NOW = 1;
export const REQUEST_SESSION = 2;
export const REQUEST_NUMBER = 3;
export const REQUEST_PHASE = 4;
export const REQUEST_FINGERPRINT = 5;
export const REQUEST_ACCOUNT = 6;
export const REQUEST_PROFILE = 7;
export const REQUEST_STAMP = 8;
export const REQUEST_POLICY = 9;
export const REQUEST_SERVICES = 10;
export const REQUEST_CAUSE = 11;
export const REQUEST_SHARING = 12;
export const REQUEST_ACTION = 13;
// Put in by the report of a network session: its track and what fair use counts, for its events
export const REQUEST_TRACK = 14;

export const ACTION_DEBIT = 1;
export const ACTION_REFUND = 2;

// Sharing: the owner of the member's group (its key is KEYS[6]), whose buckets come first at one
// priority, which services may draw on them (a scope), and which resources
export const SHARING_OWNER = 1;
export const SHARING_ORDER = 2;
export const SHARING_SCOPE = 3;
export const SHARING_RESOURCES = 4;

export const SHARING_OWN_FIRST = 1;
export const SHARING_SHARED_FIRST = 2;

export const PHASE_INITIAL = 1;
export const PHASE_UPDATE = 2;
export const PHASE_TERMINATE = 3;
export const PHASE_EVENT = 4;

// Policy of a request
export const POLICY_UNKNOWN_SESSION = 1;
export const POLICY_OVERUSE = 2;
export const POLICY_SUPERVISION_MS = 3;
export const POLICY_RETENTION_MS = 4;
export const POLICY_GRACE_MS = 5;

export const UNKNOWN_SESSION_RECREATE = 1;
export const UNKNOWN_SESSION_REJECT = 2;
export const OVERUSE_WRITE_OFF = 1;
export const OVERUSE_DEBIT = 2;

// Requests of a session whose answers are kept: the last this many numbers
export const ANSWER_WINDOW = 8;

// Service of a charge request. What is the same for many requests is packed apart, as its terms:
// the scripts keep unpacked terms by the digest that names them. ASK_POOLED is there
// for services of a pool only. ASK_FREE is the scripts' own: the terms are free ones, and price
// what was reserved before, too.
export const ASK_KEY = 1;
export const ASK_USED = 2;
export const ASK_USED_AFTER = 3;
export const ASK_WANT = 4;
export const ASK_REASON = 5;
export const ASK_TERMS = 6;
export const ASK_POOLED = 7;
export const ASK_FREE = 8;

// Nothing asked for, as ASK_WANT
export const WANT_NOTHING = -1;

// Terms of a service: what it counts, what may pay for it, how much is granted. TERMS_WINDOWS are
// packed one by one; what stands behind them is put in by the scripts.
export const TERMS_UNIT = 1;
export const TERMS_CONTEXT = 2;
export const TERMS_RATING_GROUP = 3;
export const TERMS_ZONES = 4;
export const TERMS_BANDS = 5;
export const TERMS_UNIT_ORDER = 6;
export const TERMS_MONEY_ORDER = 7;
export const TERMS_MAXIMUM = 8;
export const TERMS_MINIMUM = 9;
export const TERMS_SHARE_PERCENT = 10;
export const TERMS_VALIDITY_S = 11;
export const TERMS_SHORT_VALIDITY_S = 12;
export const TERMS_WINDOWS = 13;
export const TERMS_IN_EVENT = 14;

// MessagePack as charge_plainly reads and writes it: the head of an array of none (one of n, up to 15,
// is n above it), of one with its length in 16 bits, of an unsigned and a signed integer of 64 bits,
// of one of 32, of a text with its length in 16 bits; false and true. WORD_HEAD and TEXT_HEAD are the heads
// in front of an integer of 32 bits and a length of 16, which are added to them.
export const PACKED_ARRAY = 144;
export const PACKED_LONG_ARRAY = 220;
export const PACKED_WIDE = 207;
export const PACKED_SIGNED = 211;
export const PACKED_WORD = 206;
export const PACKED_TEXT = 218;
export const PACKED_FALSE = 194;
export const PACKED_TRUE = 195;
export const WORD_HEAD = 884763262976;
export const TEXT_HEAD = 14286848;

// What charge_plainly writes: the head of a usage event, an array of 16, with EVENT_USAGE behind it; the
// octets of an answer in front of its services; and of one of these, without its key and its currency.
export const USAGE_HEAD = 3690991617;
export const ANSWER_HEAD_OCTETS = 11;
export const GIVEN_OCTETS = 30;

// Heads of what charge_plainly knows, each with as many elements as above; another is not plain. A
// request has no more services, no longer texts and a smaller number, a report no more caps that run; of
// an account its first octets are read, up to this one: its header and a bucket or two.
export const PLAIN_ASK = 150;
export const PLAIN_ACCOUNT = 158;
export const PLAIN_SESSION = 156;
export const PLAIN_SERVICE = 157;
export const PLAIN_BUCKET_FIELDS = 18;
export const PLAIN_SERVICES_MAX = 15;
export const PLAIN_CAPS_MAX = 5;
export const PLAIN_TEXT_MAX = 65535;
export const PLAIN_NUMBER_LIMIT = 4294967296;
export const PLAIN_OCTETS_LAST = 223;

// What a bucket holds and what of it is reserved take so much of the account where both are wide.
export const AMOUNTS_OCTETS = 18;

// And so much the run of its header that changes, with a slack and without one.
export const RUN_OCTETS = 27;
export const RUN_OCTETS_ALONE = 19;

// A bucket as charge_plainly keeps it while it decides: its own positions as above, and behind them
// notes; and a service of its request.
export const MET_AT = 19;
export const MET_UNTIL = 20;
export const MET_AMOUNTS_FROM = 21;
export const MET_AMOUNTS_UNTIL = 22;
export const MET_NAMES = 23;
export const MET_CHANGED = 24;

export const PLAIN_KEY = 1;
export const PLAIN_REPORTED = 2;
export const PLAIN_WANT = 3;
export const PLAIN_REASON = 4;
export const PLAIN_TERMS = 5;
export const PLAIN_KEPT = 6;
export const PLAIN_COST = 7;
export const PLAIN_DIGEST = 8;
export const PLAIN_WINDOW = 9;
export const PLAIN_PRICED = 10;
export const PLAIN_TOTAL = 11;
export const PLAIN_GRANTED = 12;
export const PLAIN_VALID_UNTIL = 13;
// Of a report only: what the service counts, and how much of it its line carries in a second
export const PLAIN_GAUGE = 14;
export const PLAIN_RATE = 15;
// The name of its field in the session
export const PLAIN_FIELD = 16;

// Service in the answer
export const ANSWER_KEY = 1;
export const ANSWER_RESULT = 2;
export const ANSWER_GRANTED = 3;
export const ANSWER_VALIDITY_S = 4;
export const ANSWER_FINAL = 5;
export const ANSWER_COST = 6;
export const ANSWER_CURRENCY = 7;
export const ANSWER_TARIFF_CHANGE = 8;

export const RESULT_SETTLED = 1;
export const RESULT_GRANTED = 2;
export const RESULT_CREDIT_LIMIT = 3;
export const RESULT_SERVICE_DENIED = 4;
export const RESULT_SUPERSEDED = 5;
export const RESULT_RATING_FAILED = 6;
export const RESULT_NOT_CHARGEABLE = 7;
export const RESULT_AUTHORIZATION_REJECTED = 8;

// Account as recovery restores it (ARGV), and the sessions that go on with it
export const RESTORE_ACCOUNT = 1;
export const RESTORE_SEQUENCE = 2;
export const RESTORE_LAST_SEEN = 3;
export const RESTORE_STANDING = 4;
export const RESTORE_PROFILE = 5;
export const RESTORE_INTENT = 6;
export const RESTORE_BUCKETS = 7;
export const RESTORE_COUNTERS = 8;
export const RESTORE_THRESHOLDS = 9;
// The network access of the account, packed (ACCESS_), or false
export const RESTORE_ACCESS = 10;
export const RESTORE_FORGOTTEN = 11;

export const RESUME_SESSION = 1;
export const RESUME_STATE = 2;
export const RESUME_OPENED = 3;
export const RESUME_NUMBER = 4;
export const RESUME_LAST_SEEN = 5;
export const RESUME_DEADLINE = 6;
export const RESUME_RETENTION = 7;
export const RESUME_STAMP = 8;
export const RESUME_SERVICES = 9;
// Of a session of the network: its track, and where it is (JSON); false for another
export const RESUME_TRACK = 10;
export const RESUME_NETWORK = 11;
export const RESUME_SETTLED = 12;

// A report of such a session that was charged, and its services: key, cost so far, currency or false
export const SETTLED_NUMBER = 1;
export const SETTLED_AT = 2;
export const SETTLED_SERVICES = 3;

// Service of a session that goes on
export const RESUME_KEY = 1;
export const RESUME_UNIT = 2;
export const RESUME_USED = 3;
export const RESUME_COST = 4;
export const RESUME_GROSS = 5;
export const RESUME_CONNECTED = 6;
export const RESUME_TOTALS = 7;
export const RESUME_STEPS = 8;

// Outbox entry (field e). ENTRY_STAMP is true where the stamp is field s, false where there is none.
export const ENTRY_VERSION = 1;
export const ENTRY_AT = 2;
export const ENTRY_STAMP = 3;
export const ENTRY_ACCOUNTS = 4;

// Events: the first element of each says which
export const EVENT_USAGE = 1;
export const EVENT_LEDGER = 2;
export const EVENT_SESSION = 3;
export const EVENT_BUCKET_STATE = 4;
export const EVENT_THRESHOLD = 5;
export const EVENT_ACCOUNT = 6;
export const EVENT_SHARED_USAGE = 7;
export const EVENT_STEERING = 8;

export const CHANGE_OPENED = 1;
export const CHANGE_CLOSED = 2;
export const CHANGE_EXPIRED = 3;

export const LEDGER_GRANT = 1;
export const LEDGER_TOP_UP = 2;
export const LEDGER_ADJUSTMENT = 3;
export const LEDGER_REVERSAL = 4;
export const LEDGER_TRANSFER = 5;
export const LEDGER_EXPIRY = 6;
export const LEDGER_REFUND = 7;
export const LEDGER_REFUSED = 8;
export const LEDGER_CORRECTION = 9;

export const CAUSE_FIRST_USE = 1;
export const CAUSE_EXPIRED = 2;
export const CAUSE_EXHAUSTED = 3;
export const CAUSE_SUSPENDED = 4;
export const CAUSE_SUCCEEDED = 5;
export const CAUSE_RESUMED = 6;

// Credit request (ARGV)
export const CREDIT_NOW = 1;
export const CREDIT_ACCOUNT = 2;
export const CREDIT_STAMP = 3;
export const CREDIT_NUMBER = 4;
export const CREDIT_INTENT = 5;
export const CREDIT_KIND = 6;
export const CREDIT_REASON = 7;
export const CREDIT_OPERATIONS = 8;

// Operations of a credit request: { code, bucket id, … }
export const OPERATION_GRANT = 1;
export const OPERATION_ADD = 2;
export const OPERATION_SET_FLOOR = 3;
export const OPERATION_SET_END = 4;
export const OPERATION_SET_STATE = 5;
export const OPERATION_SET_THRESHOLDS = 6;
export const OPERATION_CORRECT = 7;
export const OPERATION_TAKE = 8;

// Provision request (ARGV)
export const PROVISION_NOW = 1;
export const PROVISION_ACCOUNT = 2;
export const PROVISION_STAMP = 3;
export const PROVISION_STANDING = 4;
export const PROVISION_PROFILE = 5;

export const ACCOUNT_CREATED = 1;
export const ACCOUNT_CHANGED = 2;
export const ACCOUNT_MOVED_OUT = 3;
export const ACCOUNT_MOVED_IN = 4;

// Task of steering: a request to make of a live session's gateway, or (member "a:<account id>") of
// all live sessions of an account. TASK_AFTER: of a session the last request number when it was
// first sent, -1 before; of an account its sequence when the task was raised. TASK_NEXT: what was
// raised while this one was being sent: { kind, reason, raised, after }, else false.
export const TASK_ID = 1;
export const TASK_KIND = 2;
export const TASK_REASON = 3;
export const TASK_RAISED = 4;
export const TASK_ATTEMPTS = 5;
export const TASK_AFTER = 6;
export const TASK_LEASED = 7;
export const TASK_NEXT = 8;

export const STEER_REAUTHORISE = 1;
export const STEER_ABORT = 2;

export const STEER_CREDIT = 1;
export const STEER_RELEASE = 2;
export const STEER_STANDING = 3;
export const STEER_PROFILE = 4;
export const STEER_TARIFF = 5;
export const STEER_DEMAND = 6;
export const STEER_QUOTA = 7;

export const STEERED_ACCEPTED = 1;
export const STEERED_UNKNOWN_SESSION = 2;
export const STEERED_REFUSED = 3;
export const STEERED_UNANSWERED = 4;
export const STEERED_UNREACHABLE = 5;
export const STEERED_NOT_SUPPORTED = 6;
export const STEERED_CAME_BACK = 7;
export const STEERED_SESSION_ENDED = 8;
export const STEERED_WITHDRAWN = 9;

// Conclusion of an attempt (ARGV)
export const CONCLUSION_NOW = 1;
export const CONCLUSION_MEMBER = 2;
export const CONCLUSION_TASK = 3;
export const CONCLUSION_ATTEMPT = 4;
export const CONCLUSION_OUTCOME = 5;
export const CONCLUSION_DETAIL = 6;
export const CONCLUSION_AGAIN_MS = 7;

// Network access of an account, beside it: the sessions that may be live, and what fair use counts
export const ACCESS_VERSION = 1;
export const ACCESS_SESSIONS = 2;
export const ACCESS_CAPS = 3;

// Session in ACCESS_SESSIONS. It counts until LIVE_UNTIL, which each report moves on.
export const LIVE_ID = 1;
export const LIVE_UNTIL = 2;
export const LIVE_SINCE = 3;
export const LIVE_NAS = 4;
export const LIVE_KEY = 5;
export const LIVE_STATION = 6;
export const LIVE_PORT = 7;
export const LIVE_USER = 8;
// Whether a credit may lift something: its NAS was told limits, or it is steered down.
export const LIVE_BOUND = 9;

// What a burst may carry beyond the speed of a line
export const BURST_OCTETS = 16777216;

// Fair use in ACCESS_CAPS: flat triples (cap, start of its period in ms, octets counted)
export const CAP_WIDTH = 3;

// What a NAS said of a session (field r of the session). TRACK_UPLOAD and TRACK_DOWNLOAD are the
// last totals of the NAS, beyond 2^32 where it has but 32 bits; the _SUM are those of all epochs.
// TRACK_LIMITS: by service, the total that its NAS was told to end it at, false for none, and
// TRACK_TOLD_END the moment; TRACK_ENDS_AT: when what it may use does end. 0 for no moment.
export const TRACK_VERSION = 1;
export const TRACK_STATE = 2;
export const TRACK_NUMBER = 3;
export const TRACK_OPENED = 4;
export const TRACK_EVENT_AT = 5;
export const TRACK_SECONDS = 6;
export const TRACK_UPLOAD = 7;
export const TRACK_DOWNLOAD = 8;
export const TRACK_UPLOAD_SUM = 9;
export const TRACK_DOWNLOAD_SUM = 10;
export const TRACK_EPOCHS = 11;
export const TRACK_INTERIM_S = 12;
export const TRACK_LEVEL = 13;
export const TRACK_WANTED = 14;
export const TRACK_LEVEL_AT = 15;
export const TRACK_LIMITS = 16;
export const TRACK_TOLD_END = 17;
export const TRACK_ENDS_AT = 18;

export const TRACK_PROVISIONAL = 1;
export const TRACK_STARTED = 2;
export const TRACK_ENDED = 3;

// What a session is given: all of its plan, a fair-use speed (the number of the step passed), a rung
// of the ladder (the number of the rung on top), or the garden it was let into at its login.
export const LEVEL_FULL = 0;
export const LEVEL_LADDER = 100;
export const LEVEL_GARDEN = 200;
// Only ever wanted: a NAS said that it changed the speed, and its totals say that it did not; the
// session is to log in again.
export const LEVEL_ANEW = 300;

// What a service of a session counts of a report
export const GAUGE_TOTAL = 1;
export const GAUGE_DOWNLOAD = 2;
export const GAUGE_UPLOAD = 3;
export const GAUGE_SECONDS = 4;

// Admission (last ARGV of admit). Those up to ADMIT_GARDENS are read in place by admit_plainly.
export const ADMIT_EXPIRES_AT = 1;
export const ADMIT_SESSIONS_MAX = 2;
export const ADMIT_NAS = 3;
export const ADMIT_KEY = 4;
export const ADMIT_STATION = 5;
export const ADMIT_PORT = 6;
export const ADMIT_USER = 7;
export const ADMIT_INTERIM_MIN_S = 8;
export const ADMIT_INTERIM_MAX_S = 9;
export const ADMIT_PROVISIONAL_MS = 10;
export const ADMIT_ANSWER_MS = 11;
export const ADMIT_RATES = 12;
export const ADMIT_GAUGES = 13;
export const ADMIT_CAPS = 14;
export const ADMIT_GARDENS = 15;
export const ADMIT_FREE_TERMS = 16;

// Gardens of a plan, as a sum in ADMIT_GARDENS
export const GARDEN_NO_CREDIT = 1;
export const GARDEN_EXPIRED = 2;

// Answer of an admission
export const ADMITTED_VERDICT = 1;
export const ADMITTED_SESSION = 2;
export const ADMITTED_AT = 3;
export const ADMITTED_INTERIM_S = 4;
export const ADMITTED_ENDS_AT = 5;
export const ADMITTED_LIMITS = 6;
export const ADMITTED_LEVEL = 7;

export const VERDICT_ADMITTED = 1;
export const VERDICT_GARDEN = 2;
export const VERDICT_NO_CREDIT = 3;
export const VERDICT_EXPIRED = 4;
export const VERDICT_TOO_MANY = 5;
export const VERDICT_SUSPENDED = 6;
export const VERDICT_CLOSED = 7;

// Report of a NAS (last ARGV of report and report_settled). REPORT_NETWORK: where the session is, JSON;
// true where that was left out, false for none.
export const REPORT_STATUS = 1;
export const REPORT_EVENT_AT = 2;
export const REPORT_UPLOAD = 3;
export const REPORT_DOWNLOAD = 4;
export const REPORT_WIDTH = 5;
export const REPORT_SECONDS = 6;
export const REPORT_STALE_FACTOR = 7;
export const REPORT_NAS = 8;
export const REPORT_KEY = 9;
export const REPORT_STATION = 10;
export const REPORT_PORT = 11;
export const REPORT_USER = 12;
export const REPORT_EXPIRES_AT = 13;
export const REPORT_RATES = 14;
export const REPORT_GAUGES = 15;
export const REPORT_CAPS = 16;
export const REPORT_HANDLED = 17;
export const REPORT_INTERIM_MAX_S = 18;
export const REPORT_FREE_TERMS = 19;
export const REPORT_NETWORK = 20;
export const REPORT_BASELINE_MS = 21;
export const REPORT_LADDER = 22;
export const REPORT_SESSIONS_MAX = 23;

// Brief report (first ARGV of report), read in place by report_plainly, without sharing: an interim one that
// says all, a first one that has used nothing yet, or a last one that says all. BRIEF_TOLD: of a first one
// where its session is, JSON, of a last one its cause, packed; else, and for neither, false. BRIEF_PLACE: the
// five of LIVE_ from LIVE_NAS on, packed one behind the other, as they stand in the record;
// BRIEF_SERVICES: how many they are. Behind these the services (TOLD_), their reasons packed,
// and the caps (FAIR_, up to FAIR_OCTETS), value behind value.
export const BRIEF_NOW = 1;
export const BRIEF_PROFILE = 2;
export const BRIEF_GRACE_MS = 3;
export const BRIEF_STATUS = 4;
export const BRIEF_EVENT_AT = 5;
export const BRIEF_UPLOAD = 6;
export const BRIEF_DOWNLOAD = 7;
export const BRIEF_WIDTH = 8;
export const BRIEF_SECONDS = 9;
export const BRIEF_STALE_FACTOR = 10;
export const BRIEF_EXPIRES_AT = 11;
export const BRIEF_TOLD = 12;
export const BRIEF_PLACE = 13;
export const BRIEF_SERVICES = 14;

// Service in a brief report; TOLD_RATE: what its line carries of it in a second, 0 where nobody knows
export const TOLD_KEY = 1;
export const TOLD_GAUGE = 2;
export const TOLD_RATE = 3;
export const TOLD_WANT = 4;
export const TOLD_REASON = 5;
export const TOLD_TERMS = 6;

// Rung in REPORT_LADDER, from the top; its speed in octets a second, both directions, 0 for none
export const RUNG_KIND = 1;
export const RUNG_RATE = 2;

export const RUNG_SPEED = 1;
export const RUNG_GARDEN = 2;
export const RUNG_DISCONNECT = 3;

export const STATUS_START = 1;
export const STATUS_INTERIM = 2;
export const STATUS_STOP = 3;
// Not by its NAS: replaced, its NAS was restarted, the NAS does not know it
export const STATUS_ENDED = 4;

// Cap in ADMIT_CAPS and REPORT_CAPS: its name, the period it counts in, which octets, how many
export const FAIR_CAP = 1;
export const FAIR_FROM = 2;
export const FAIR_UNTIL = 3;
export const FAIR_GAUGE = 4;
export const FAIR_OCTETS = 5;
export const FAIR_LEVEL = 6;
// What the step carries in octets a second, both directions
export const FAIR_RATE = 7;

// Question of what a live session may use (second ARGV of measure), and its answer. MEASURED_LIMITS:
// by service, the total that the session may come to, false where nothing bounds it
export const MEASURE_EXPIRES_AT = 1;
export const MEASURE_SESSIONS_MAX = 2;
export const MEASURE_GAUGES = 3;
export const MEASURE_CAPS = 4;

export const MEASURED_AT = 1;
export const MEASURED_SPENT = 2;
export const MEASURED_LIMITS = 3;
export const MEASURED_ENDS_AT = 4;
export const MEASURED_LEVEL = 5;

// Answer to a report
export const REPORTED_OUTCOME = 1;
export const REPORTED_AT = 2;
export const REPORTED_SPENT = 3;
export const REPORTED_LEVEL = 4;
export const REPORTED_WANTED = 5;
export const REPORTED_REPLACED = 6;
export const REPORTED_EPOCH = 7;

export const OUTCOME_TAKEN = 1;
export const OUTCOME_LATE = 2;
export const OUTCOME_REPEATED = 3;

// Lease request (ARGV of lease); LEASE_RANGES are flat pairs (first, last), addresses are numbers;
// LEASE_ADDRESS is false for any, 0 for the one that the session has already; LEASE_DEVICE: whether the
// owner is one device, which has one session at a time
export const LEASE_NOW = 1;
export const LEASE_SESSION = 2;
export const LEASE_OWNER = 3;
export const LEASE_MS = 4;
export const LEASE_ADDRESS = 5;
export const LEASE_RANGES = 6;
export const LEASE_DEVICE = 7;
