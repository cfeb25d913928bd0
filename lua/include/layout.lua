-- Positions and codes shared by the scripts and by TypeScript. One `NAME = number` a line: the
-- loader puts the number where a script says the name, and src/charging/generated/layout.ts is
-- made from this file, so neither side can drift.

-- Version of every packed value below. A script refuses a newer one.
SCHEMA_VERSION = 1

-- Reply: { status, payload }
REPLY_DONE = 1
REPLY_REPEATED = 2
REPLY_FENCED = 3
REPLY_NEWER_STATE = 4
REPLY_UNKNOWN_ACCOUNT = 5
REPLY_STALE_PROFILE = 6
REPLY_UNKNOWN_SESSION = 7
REPLY_CONFLICT = 8
REPLY_STALE_NUMBER = 9
REPLY_SERVICE_DENIED = 10
REPLY_OUT_OF_ORDER = 11
REPLY_REFUSED = 12
REPLY_NOT_DUE = 13
REPLY_OTHER_ACCOUNT = 14
REPLY_OWNER_NEEDED = 15
REPLY_AMOUNT_RANGE = 16
REPLY_OTHER_SESSION = 17
REPLY_MOVED = 18
REPLY_AUTHORIZATION_REJECTED = 19
REPLY_STEERING_NEEDED = 20
REPLY_TERMS_UNKNOWN = 21
REPLY_FAILED_BEFORE = 22

-- A call within a batch; so much more where it tells of its server
BATCHED_CHARGE = 1
BATCHED_ADMIT = 2
BATCHED_REPORT = 3
BATCHED_ADMIT_UNFAILED = 4
BATCHED_TELLING = 128

-- One past the largest exact amount: 2^53.
AMOUNT_LIMIT = 9007199254740992

-- Account: header and buckets in one packed array. ACCOUNT_BUCKETS is flat, three elements a
-- bucket, in consumption order: its id, its resource, and the bucket packed apart, so that a charge
-- unpacks only those it meets (docs/adr/0002).
ACCOUNT_VERSION = 1
ACCOUNT_ID = 2
ACCOUNT_SEQUENCE = 3
ACCOUNT_LAST_SEEN = 4
ACCOUNT_SLACK = 5
ACCOUNT_STANDING = 6
ACCOUNT_PROFILE = 7
ACCOUNT_INTENT = 8
ACCOUNT_NEXT_CHANGE = 9
ACCOUNT_BUCKETS = 10
ACCOUNT_STARVED = 11
ACCOUNT_COUNTERS = 12
ACCOUNT_THRESHOLDS = 13
ACCOUNT_PENDING = 14

-- What an account leaves behind in a partition: its version, id and sequence as above, where it went,
-- and its packed state until that stands there; false from then on. The sequence is that of its
-- moved-out event: of two moves the later has the higher.
MOVED_TO = 4
MOVED_STATE = 5

-- Threshold of an account
THRESHOLD_ID = 1
THRESHOLD_RESOURCE = 2
THRESHOLD_BUNDLE = 3
THRESHOLD_PERCENT = 4
THRESHOLD_LEVEL = 5
THRESHOLD_ARMED = 6
-- Whether answers say that the balance is low while it is crossed
THRESHOLD_LOW = 7

THRESHOLD_CROSSED = 1
THRESHOLD_REARMED = 2

STANDING_ACTIVE = 1
STANDING_SUSPENDED = 2
STANDING_CLOSED = 3

-- Bucket
BUCKET_ID = 1
BUCKET_RESOURCE = 2
BUCKET_KIND = 3
BUCKET_PRIORITY = 4
BUCKET_STATE = 5
BUCKET_START = 6
BUCKET_END = 7
BUCKET_CREATED = 8
BUCKET_REMAINING = 9
BUCKET_RESERVED = 10
BUCKET_FLOOR = 11
BUCKET_STEP = 12
BUCKET_BLOCKER = 13
BUCKET_SCOPE = 14
BUCKET_BUNDLE = 15
BUCKET_DURATION = 16
BUCKET_GRANTED = 17
BUCKET_AFTER = 18
-- Taken out of use by staff, not used up: a credit doesn't bring it back. Not there otherwise.
BUCKET_SUSPENDED = 19

KIND_UNITS = 1
KIND_MONEY = 2

STATE_PENDING = 1
STATE_ARMED = 2
STATE_ACTIVE = 3
STATE_INACTIVE = 4

-- Floor of a money bucket that has none (postpaid without a limit); and the most money that a run
-- of money buckets counts as having together.
NO_FLOOR = -4503599627370496
AVAILABLE_MAX = 4503599627370496

-- Scope of a bucket: four sets, false where anything matches
SCOPE_CONTEXTS = 1
SCOPE_RATING_GROUPS = 2
SCOPE_ZONES = 3
SCOPE_BANDS = 4

-- Consumption order of a resource
ORDER_EARLIEST_EXPIRING = 1
ORDER_EARLIEST_STARTED = 2
ORDER_LATEST_STARTED = 3
ORDER_SMALLEST = 4
ORDER_LARGEST = 5

-- Session header (field h); the stamp of its first request is field m, written once
SESSION_VERSION = 1
SESSION_STATE = 2
SESSION_ACCOUNT = 3
SESSION_OPENED = 4
SESSION_LAST_NUMBER = 5
SESSION_LAST_SEEN = 6
SESSION_DEADLINE = 7
SESSION_TIMER = 8
SESSION_RETENTION = 9
SESSION_OWNER = 10
SESSION_STARVED = 11
SESSION_SERVICES = 12

SESSION_OPEN = 1
SESSION_CLOSED = 2
SESSION_EXPIRED = 3

-- Service of a session (field s:<service>)
SERVICE_UNIT = 1
SERVICE_COST = 2
SERVICE_WINDOW = 3
SERVICE_NEXT = 4
SERVICE_GROSS = 5
SERVICE_OPENED = 6
SERVICE_TOTALS = 7
SERVICE_STEPS = 8
SERVICE_NUMBER = 9
SERVICE_USED = 10
SERVICE_GRANTED = 11
SERVICE_VALID_UNTIL = 12
SERVICE_LEGS = 13

-- Leg: flat triples in SERVICE_LEGS: bucket id, amount reserved, units it covers. The money legs of
-- one run follow each other; the first carries the units of the run, the others 0.
LEG_WIDTH = 3

-- First octet (^) of the id of a bucket that is the sharing owner's, in SERVICE_LEGS and SERVICE_STEPS:
-- a member may have one of the same id. No bucket's own id begins so.
OWNER_MARK = 94

-- Window of a rate line: packed in the terms of a request. A reservation names by its digest the window
-- that prices it, as SERVICE_WINDOW, and as SERVICE_NEXT the one after a tariff change inside the
-- validity time; field w:<service> of the session holds the two themselves, packed. WINDOW_LABEL is
-- text for the event: "<line id> <zone>"; what stands behind it is put in by the scripts.
WINDOW_FROM = 1
WINDOW_UNTIL = 2
WINDOW_CURRENCY = 3
WINDOW_LINE = 4
WINDOW_PERIOD = 5
WINDOW_KIND = 6
WINDOW_LABEL = 7
WINDOW_PACKED = 8
WINDOW_DIGEST = 9
WINDOW_IN_ANSWER = 10
WINDOW_IN_EVENT = 11
WINDOW_ALONE = 12
WINDOW_NAMED = 13
WINDOW_KEPT = 14

WINDOW_CHARGED = 1
WINDOW_FREE = 2
WINDOW_NOT_CHARGEABLE = 3

-- Rate line (src/rating/rate-line.ts). Pulses are flat pairs (from, step), tiers flat
-- triples (from, num, den).
LINE_ID = 1
LINE_PULSES = 2
LINE_TIERS = 3
LINE_COUNTER = 4
LINE_CONNECTION = 5
LINE_MINIMUM = 6
LINE_CAP = 7
LINE_UNITS_MAX = 8
-- Put in by the scripts: whether its price is one of each unit and nothing else
LINE_FLAT = 9

-- Charge request (ARGV). charge and settle get its stamp as an argument of its own behind it, and the
-- terms, where they are not only named; and its session and account are the keys' there, false in it
-- (lua/include/open_request.lua).
REQUEST_NOW = 1
REQUEST_SESSION = 2
REQUEST_NUMBER = 3
REQUEST_PHASE = 4
REQUEST_FINGERPRINT = 5
REQUEST_ACCOUNT = 6
REQUEST_PROFILE = 7
REQUEST_STAMP = 8
REQUEST_POLICY = 9
REQUEST_SERVICES = 10
REQUEST_CAUSE = 11
REQUEST_SHARING = 12
REQUEST_ACTION = 13
-- Put in by the report of a network session: its track and what fair use counts, for its events
REQUEST_TRACK = 14

ACTION_DEBIT = 1
ACTION_REFUND = 2

-- Sharing: the owner of the member's group (its key is KEYS[6]), whose buckets come first at one
-- priority, which services may draw on them (a scope), and which resources
SHARING_OWNER = 1
SHARING_ORDER = 2
SHARING_SCOPE = 3
SHARING_RESOURCES = 4

SHARING_OWN_FIRST = 1
SHARING_SHARED_FIRST = 2

PHASE_INITIAL = 1
PHASE_UPDATE = 2
PHASE_TERMINATE = 3
PHASE_EVENT = 4

-- Policy of a request
POLICY_UNKNOWN_SESSION = 1
POLICY_OVERUSE = 2
POLICY_SUPERVISION_MS = 3
POLICY_RETENTION_MS = 4
POLICY_GRACE_MS = 5

UNKNOWN_SESSION_RECREATE = 1
UNKNOWN_SESSION_REJECT = 2
OVERUSE_WRITE_OFF = 1
OVERUSE_DEBIT = 2

-- Requests of a session whose answers are kept: the last this many numbers
ANSWER_WINDOW = 8

-- Service of a charge request. What is the same for many requests is packed apart, as its terms:
-- the scripts keep unpacked terms by the digest that names them. ASK_POOLED is there
-- for services of a pool only. ASK_FREE is the scripts' own: the terms are free ones, and price
-- what was reserved before, too.
ASK_KEY = 1
ASK_USED = 2
ASK_USED_AFTER = 3
ASK_WANT = 4
ASK_REASON = 5
ASK_TERMS = 6
ASK_POOLED = 7
ASK_FREE = 8

-- Nothing asked for, as ASK_WANT
WANT_NOTHING = -1

-- Terms of a service: what it counts, what may pay for it, how much is granted. TERMS_WINDOWS are
-- packed one by one; what stands behind them is put in by the scripts.
TERMS_UNIT = 1
TERMS_CONTEXT = 2
TERMS_RATING_GROUP = 3
TERMS_ZONES = 4
TERMS_BANDS = 5
TERMS_UNIT_ORDER = 6
TERMS_MONEY_ORDER = 7
TERMS_MAXIMUM = 8
TERMS_MINIMUM = 9
TERMS_SHARE_PERCENT = 10
TERMS_VALIDITY_S = 11
TERMS_SHORT_VALIDITY_S = 12
TERMS_WINDOWS = 13
TERMS_IN_EVENT = 14

-- MessagePack as charge_plainly reads and writes it: the head of an array of none (one of n, up to 15,
-- is n above it), of one with its length in 16 bits, of an unsigned and a signed integer of 64 bits,
-- of one of 32, of a text with its length in 16 bits; false and true. WORD_HEAD and TEXT_HEAD are the heads
-- in front of an integer of 32 bits and a length of 16, which are added to them.
PACKED_ARRAY = 144
PACKED_LONG_ARRAY = 220
PACKED_WIDE = 207
PACKED_SIGNED = 211
PACKED_WORD = 206
PACKED_TEXT = 218
PACKED_FALSE = 194
PACKED_TRUE = 195
WORD_HEAD = 884763262976
TEXT_HEAD = 14286848

-- What charge_plainly writes: the head of a usage event, an array of 16, with EVENT_USAGE behind it; the
-- octets of an answer in front of its services; and of one of these, without its key and its currency.
USAGE_HEAD = 3690991617
ANSWER_HEAD_OCTETS = 11
GIVEN_OCTETS = 30

-- Heads of what charge_plainly knows, each with as many elements as above; another is not plain. A
-- request has no more services, no longer texts and a smaller number, a report no more caps that run; of
-- an account its first octets are read, up to this one: its header and a bucket or two.
PLAIN_ASK = 150
PLAIN_ACCOUNT = 158
PLAIN_SESSION = 156
PLAIN_SERVICE = 157
PLAIN_BUCKET_FIELDS = 18
PLAIN_SERVICES_MAX = 15
PLAIN_CAPS_MAX = 5
PLAIN_TEXT_MAX = 65535
PLAIN_NUMBER_LIMIT = 4294967296
PLAIN_OCTETS_LAST = 223

-- What a bucket holds and what of it is reserved take so much of the account where both are wide.
AMOUNTS_OCTETS = 18

-- And so much the run of its header that changes, with a slack and without one.
RUN_OCTETS = 27
RUN_OCTETS_ALONE = 19

-- A bucket as charge_plainly keeps it while it decides: its own positions as above, and behind them
-- notes; and a service of its request.
MET_AT = 19
MET_UNTIL = 20
MET_AMOUNTS_FROM = 21
MET_AMOUNTS_UNTIL = 22
MET_NAMES = 23
MET_CHANGED = 24

PLAIN_KEY = 1
PLAIN_REPORTED = 2
PLAIN_WANT = 3
PLAIN_REASON = 4
PLAIN_TERMS = 5
PLAIN_KEPT = 6
PLAIN_COST = 7
PLAIN_DIGEST = 8
PLAIN_WINDOW = 9
PLAIN_PRICED = 10
PLAIN_TOTAL = 11
PLAIN_GRANTED = 12
PLAIN_VALID_UNTIL = 13
-- Of a report only: what the service counts, and how much of it its line carries in a second
PLAIN_GAUGE = 14
PLAIN_RATE = 15
-- The name of its field in the session
PLAIN_FIELD = 16

-- Service in the answer
ANSWER_KEY = 1
ANSWER_RESULT = 2
ANSWER_GRANTED = 3
ANSWER_VALIDITY_S = 4
ANSWER_FINAL = 5
ANSWER_COST = 6
ANSWER_CURRENCY = 7
ANSWER_TARIFF_CHANGE = 8

RESULT_SETTLED = 1
RESULT_GRANTED = 2
RESULT_CREDIT_LIMIT = 3
RESULT_SERVICE_DENIED = 4
RESULT_SUPERSEDED = 5
RESULT_RATING_FAILED = 6
RESULT_NOT_CHARGEABLE = 7
RESULT_AUTHORIZATION_REJECTED = 8

-- Account as recovery restores it (ARGV), and the sessions that go on with it
RESTORE_ACCOUNT = 1
RESTORE_SEQUENCE = 2
RESTORE_LAST_SEEN = 3
RESTORE_STANDING = 4
RESTORE_PROFILE = 5
RESTORE_INTENT = 6
RESTORE_BUCKETS = 7
RESTORE_COUNTERS = 8
RESTORE_THRESHOLDS = 9
-- The network access of the account, packed (ACCESS_), or false
RESTORE_ACCESS = 10
RESTORE_FORGOTTEN = 11

RESUME_SESSION = 1
RESUME_STATE = 2
RESUME_OPENED = 3
RESUME_NUMBER = 4
RESUME_LAST_SEEN = 5
RESUME_DEADLINE = 6
RESUME_RETENTION = 7
RESUME_STAMP = 8
RESUME_SERVICES = 9
-- Of a session of the network: its track, and where it is (JSON); false for another
RESUME_TRACK = 10
RESUME_NETWORK = 11
RESUME_SETTLED = 12

-- A report of such a session that was charged, and its services: key, cost so far, currency or false
SETTLED_NUMBER = 1
SETTLED_AT = 2
SETTLED_SERVICES = 3

-- Service of a session that goes on
RESUME_KEY = 1
RESUME_UNIT = 2
RESUME_USED = 3
RESUME_COST = 4
RESUME_GROSS = 5
RESUME_CONNECTED = 6
RESUME_TOTALS = 7
RESUME_STEPS = 8

-- Outbox entry (field e). ENTRY_STAMP is true where the stamp is field s, false where there is none.
ENTRY_VERSION = 1
ENTRY_AT = 2
ENTRY_STAMP = 3
ENTRY_ACCOUNTS = 4

-- Events: the first element of each says which
EVENT_USAGE = 1
EVENT_LEDGER = 2
EVENT_SESSION = 3
EVENT_BUCKET_STATE = 4
EVENT_THRESHOLD = 5
EVENT_ACCOUNT = 6
EVENT_SHARED_USAGE = 7
EVENT_STEERING = 8

CHANGE_OPENED = 1
CHANGE_CLOSED = 2
CHANGE_EXPIRED = 3

LEDGER_GRANT = 1
LEDGER_TOP_UP = 2
LEDGER_ADJUSTMENT = 3
LEDGER_REVERSAL = 4
LEDGER_TRANSFER = 5
LEDGER_EXPIRY = 6
LEDGER_REFUND = 7
LEDGER_REFUSED = 8
LEDGER_CORRECTION = 9

CAUSE_FIRST_USE = 1
CAUSE_EXPIRED = 2
CAUSE_EXHAUSTED = 3
CAUSE_SUSPENDED = 4
CAUSE_SUCCEEDED = 5
CAUSE_RESUMED = 6

-- Credit request (ARGV)
CREDIT_NOW = 1
CREDIT_ACCOUNT = 2
CREDIT_STAMP = 3
CREDIT_NUMBER = 4
CREDIT_INTENT = 5
CREDIT_KIND = 6
CREDIT_REASON = 7
CREDIT_OPERATIONS = 8

-- Operations of a credit request: { code, bucket id, … }
OPERATION_GRANT = 1
OPERATION_ADD = 2
OPERATION_SET_FLOOR = 3
OPERATION_SET_END = 4
OPERATION_SET_STATE = 5
OPERATION_SET_THRESHOLDS = 6
OPERATION_CORRECT = 7
OPERATION_TAKE = 8

-- Provision request (ARGV)
PROVISION_NOW = 1
PROVISION_ACCOUNT = 2
PROVISION_STAMP = 3
PROVISION_STANDING = 4
PROVISION_PROFILE = 5

ACCOUNT_CREATED = 1
ACCOUNT_CHANGED = 2
ACCOUNT_MOVED_OUT = 3
ACCOUNT_MOVED_IN = 4

-- Task of steering: a request to make of a live session's gateway, or (member "a:<account id>") of
-- all live sessions of an account. TASK_AFTER: of a session the last request number when it was
-- first sent, -1 before; of an account its sequence when the task was raised. TASK_NEXT: what was
-- raised while this one was being sent: { kind, reason, raised, after }, else false.
TASK_ID = 1
TASK_KIND = 2
TASK_REASON = 3
TASK_RAISED = 4
TASK_ATTEMPTS = 5
TASK_AFTER = 6
TASK_LEASED = 7
TASK_NEXT = 8

STEER_REAUTHORISE = 1
STEER_ABORT = 2

STEER_CREDIT = 1
STEER_RELEASE = 2
STEER_STANDING = 3
STEER_PROFILE = 4
STEER_TARIFF = 5
STEER_DEMAND = 6
STEER_QUOTA = 7

STEERED_ACCEPTED = 1
STEERED_UNKNOWN_SESSION = 2
STEERED_REFUSED = 3
STEERED_UNANSWERED = 4
STEERED_UNREACHABLE = 5
STEERED_NOT_SUPPORTED = 6
STEERED_CAME_BACK = 7
STEERED_SESSION_ENDED = 8
STEERED_WITHDRAWN = 9

-- Conclusion of an attempt (ARGV)
CONCLUSION_NOW = 1
CONCLUSION_MEMBER = 2
CONCLUSION_TASK = 3
CONCLUSION_ATTEMPT = 4
CONCLUSION_OUTCOME = 5
CONCLUSION_DETAIL = 6
CONCLUSION_AGAIN_MS = 7

-- Network access of an account, beside it: the sessions that may be live, and what fair use counts
ACCESS_VERSION = 1
ACCESS_SESSIONS = 2
ACCESS_CAPS = 3

-- Session in ACCESS_SESSIONS. It counts until LIVE_UNTIL, which each report moves on.
LIVE_ID = 1
LIVE_UNTIL = 2
LIVE_SINCE = 3
LIVE_NAS = 4
LIVE_KEY = 5
LIVE_STATION = 6
LIVE_PORT = 7
LIVE_USER = 8
-- Whether a credit may lift something: its NAS was told limits, or it is steered down.
LIVE_BOUND = 9

-- What a burst may carry beyond the speed of a line
BURST_OCTETS = 16777216

-- Fair use in ACCESS_CAPS: flat triples (cap, start of its period in ms, octets counted)
CAP_WIDTH = 3

-- What a NAS said of a session (field r of the session). TRACK_UPLOAD and TRACK_DOWNLOAD are the
-- last totals of the NAS, beyond 2^32 where it has but 32 bits; the _SUM are those of all epochs.
-- TRACK_LIMITS: by service, the total that its NAS was told to end it at, false for none, and
-- TRACK_TOLD_END the moment; TRACK_ENDS_AT: when what it may use does end. 0 for no moment.
TRACK_VERSION = 1
TRACK_STATE = 2
TRACK_NUMBER = 3
TRACK_OPENED = 4
TRACK_EVENT_AT = 5
TRACK_SECONDS = 6
TRACK_UPLOAD = 7
TRACK_DOWNLOAD = 8
TRACK_UPLOAD_SUM = 9
TRACK_DOWNLOAD_SUM = 10
TRACK_EPOCHS = 11
TRACK_INTERIM_S = 12
TRACK_LEVEL = 13
TRACK_WANTED = 14
TRACK_LEVEL_AT = 15
TRACK_LIMITS = 16
TRACK_TOLD_END = 17
TRACK_ENDS_AT = 18

TRACK_PROVISIONAL = 1
TRACK_STARTED = 2
TRACK_ENDED = 3

-- What a session is given: all of its plan, a fair-use speed (the number of the step passed), a rung
-- of the ladder (the number of the rung on top), or the garden it was let into at its login.
LEVEL_FULL = 0
LEVEL_LADDER = 100
LEVEL_GARDEN = 200
-- Only ever wanted: a NAS said that it changed the speed, and its totals say that it did not; the
-- session is to log in again.
LEVEL_ANEW = 300

-- What a service of a session counts of a report
GAUGE_TOTAL = 1
GAUGE_DOWNLOAD = 2
GAUGE_UPLOAD = 3
GAUGE_SECONDS = 4

-- Admission (last ARGV of admit). Those up to ADMIT_GARDENS are read in place by admit_plainly.
ADMIT_EXPIRES_AT = 1
ADMIT_SESSIONS_MAX = 2
ADMIT_NAS = 3
ADMIT_KEY = 4
ADMIT_STATION = 5
ADMIT_PORT = 6
ADMIT_USER = 7
ADMIT_INTERIM_MIN_S = 8
ADMIT_INTERIM_MAX_S = 9
ADMIT_PROVISIONAL_MS = 10
ADMIT_ANSWER_MS = 11
ADMIT_RATES = 12
ADMIT_GAUGES = 13
ADMIT_CAPS = 14
ADMIT_GARDENS = 15
ADMIT_FREE_TERMS = 16

-- Gardens of a plan, as a sum in ADMIT_GARDENS
GARDEN_NO_CREDIT = 1
GARDEN_EXPIRED = 2

-- Answer of an admission
ADMITTED_VERDICT = 1
ADMITTED_SESSION = 2
ADMITTED_AT = 3
ADMITTED_INTERIM_S = 4
ADMITTED_ENDS_AT = 5
ADMITTED_LIMITS = 6
ADMITTED_LEVEL = 7

VERDICT_ADMITTED = 1
VERDICT_GARDEN = 2
VERDICT_NO_CREDIT = 3
VERDICT_EXPIRED = 4
VERDICT_TOO_MANY = 5
VERDICT_SUSPENDED = 6
VERDICT_CLOSED = 7

-- Report of a NAS (last ARGV of report and report_settled). REPORT_NETWORK: where the session is, JSON;
-- true where that was left out, false for none.
REPORT_STATUS = 1
REPORT_EVENT_AT = 2
REPORT_UPLOAD = 3
REPORT_DOWNLOAD = 4
REPORT_WIDTH = 5
REPORT_SECONDS = 6
REPORT_STALE_FACTOR = 7
REPORT_NAS = 8
REPORT_KEY = 9
REPORT_STATION = 10
REPORT_PORT = 11
REPORT_USER = 12
REPORT_EXPIRES_AT = 13
REPORT_RATES = 14
REPORT_GAUGES = 15
REPORT_CAPS = 16
REPORT_HANDLED = 17
REPORT_INTERIM_MAX_S = 18
REPORT_FREE_TERMS = 19
REPORT_NETWORK = 20
REPORT_BASELINE_MS = 21
REPORT_LADDER = 22
REPORT_SESSIONS_MAX = 23

-- Brief report (first ARGV of report), read in place by report_plainly, without sharing: an interim one that
-- says all, a first one that has used nothing yet, or a last one that says all. BRIEF_TOLD: of a first one
-- where its session is, JSON, of a last one its cause, packed; else, and for neither, false. BRIEF_PLACE: the
-- five of LIVE_ from LIVE_NAS on, packed one behind the other, as they stand in the record;
-- BRIEF_SERVICES: how many they are. Behind these the services (TOLD_), their reasons packed,
-- and the caps (FAIR_, up to FAIR_OCTETS), value behind value.
BRIEF_NOW = 1
BRIEF_PROFILE = 2
BRIEF_GRACE_MS = 3
BRIEF_STATUS = 4
BRIEF_EVENT_AT = 5
BRIEF_UPLOAD = 6
BRIEF_DOWNLOAD = 7
BRIEF_WIDTH = 8
BRIEF_SECONDS = 9
BRIEF_STALE_FACTOR = 10
BRIEF_EXPIRES_AT = 11
BRIEF_TOLD = 12
BRIEF_PLACE = 13
BRIEF_SERVICES = 14

-- Service in a brief report; TOLD_RATE: what its line carries of it in a second, 0 where nobody knows
TOLD_KEY = 1
TOLD_GAUGE = 2
TOLD_RATE = 3
TOLD_WANT = 4
TOLD_REASON = 5
TOLD_TERMS = 6

-- Rung in REPORT_LADDER, from the top; its speed in octets a second, both directions, 0 for none
RUNG_KIND = 1
RUNG_RATE = 2

RUNG_SPEED = 1
RUNG_GARDEN = 2
RUNG_DISCONNECT = 3

STATUS_START = 1
STATUS_INTERIM = 2
STATUS_STOP = 3
-- Not by its NAS: replaced, its NAS was restarted, the NAS does not know it
STATUS_ENDED = 4

-- Cap in ADMIT_CAPS and REPORT_CAPS: its name, the period it counts in, which octets, how many
FAIR_CAP = 1
FAIR_FROM = 2
FAIR_UNTIL = 3
FAIR_GAUGE = 4
FAIR_OCTETS = 5
FAIR_LEVEL = 6
-- What the step carries in octets a second, both directions
FAIR_RATE = 7

-- Question of what a live session may use (second ARGV of measure), and its answer. MEASURED_LIMITS:
-- by service, the total that the session may come to, false where nothing bounds it
MEASURE_EXPIRES_AT = 1
MEASURE_SESSIONS_MAX = 2
MEASURE_GAUGES = 3
MEASURE_CAPS = 4

MEASURED_AT = 1
MEASURED_SPENT = 2
MEASURED_LIMITS = 3
MEASURED_ENDS_AT = 4
MEASURED_LEVEL = 5

-- Answer to a report
REPORTED_OUTCOME = 1
REPORTED_AT = 2
REPORTED_SPENT = 3
REPORTED_LEVEL = 4
REPORTED_WANTED = 5
REPORTED_REPLACED = 6
REPORTED_EPOCH = 7

OUTCOME_TAKEN = 1
OUTCOME_LATE = 2
OUTCOME_REPEATED = 3

-- Lease request (ARGV of lease); LEASE_RANGES are flat pairs (first, last), addresses are numbers;
-- LEASE_ADDRESS is false for any, 0 for the one that the session has already; LEASE_DEVICE: whether the
-- owner is one device, which has one session at a time
LEASE_NOW = 1
LEASE_SESSION = 2
LEASE_OWNER = 3
LEASE_MS = 4
LEASE_ADDRESS = 5
LEASE_RANGES = 6
LEASE_DEVICE = 7
