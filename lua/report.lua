#!lua
--- @include "record_report"
-- report: what a NAS says of a session: its start, its running totals, its end. Redis refuses the
-- whole script when memory is out; the caller then takes the report alone (report_settled.lua).
--
-- KEYS account, session, control, outbox, timers, access, nas, steer, tasks, and the sharing owner's
--      account where there is one - all of one partition
-- ARGV request, packed (REQUEST_ in layout.lua); report, packed (REPORT_)
-- Reply { REPLY_DONE, answer, packed (REPORTED_) }
--       { REPLY_OTHER_SESSION, session id } for a report that is kept under another id
--       { a refusal }: FENCED, NEWER_STATE, UNKNOWN_ACCOUNT, STALE_PROFILE, AMOUNT_RANGE, and
--       UNKNOWN_SESSION for one that is older than what is remembered; nothing has changed then
-- Events session, usage, bucket-state, ledger (expiry)
local keys, request, given = KEYS, cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
return record_report(keys, request, given, true)
