#!lua
--- @include "open_request"
--- @include "charge_plainly"
-- charge: one request of a charging session that may be granted units. Redis refuses the whole
-- script when memory is out; the caller then settles (settle.lua).
--
-- KEYS account, session, control, outbox, timers, and the sharing owner's account where there is
--      one (the account's key again where keys follow), steer, tasks (once they are asked for, as
--      other sessions wait for units) - all of one partition
-- ARGV request, packed (REQUEST_ in layout.lua): the keys name its session and its account, digests the
--      terms of its services; its stamp; the terms themselves where the script has answered that it
--      does not know them
-- Reply { REPLY_DONE or REPLY_REPEATED, answer as it is kept, packed: { number, fingerprint, packed: { time
--       in ms, services (ANSWER_), whether the balance is low } } }
--       { REPLY_OTHER_ACCOUNT, account id } for a session that lives on another account
--       { REPLY_MOVED, partition } the account is on its way there, or has arrived
--       { REPLY_STEERING_NEEDED } sessions may have to be told: again, with the keys of steering
--       { REPLY_TERMS_UNKNOWN } to a request that only names its terms; nothing has changed
--       { a refusal }: FENCED, NEWER_STATE, UNKNOWN_ACCOUNT, STALE_PROFILE, UNKNOWN_SESSION,
--       CONFLICT, STALE_NUMBER, SERVICE_DENIED, AMOUNT_RANGE; nothing has changed then
-- Events session, usage per service that reports use, bucket-state, ledger (expiry)
local keys, args = KEYS, ARGV
return charge_plainly(keys, args) or charge_session(keys, open_request(args, keys), true)
