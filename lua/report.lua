#!lua
--- @include "open_request"
--- @include "record_report"
--- @include "report_plainly"
-- report: what a NAS says of a session: its start, its running totals, its end. Redis refuses the
-- whole script when memory is out; the caller then takes the report alone (report_settled.lua).
--
-- KEYS account, session, control, outbox, timers, access, nas, steer, tasks, and the sharing owner's
--      account where there is one - all of one partition; of a brief report those up to nas
-- ARGV request, packed (REQUEST_ in layout.lua; no fingerprint, as no answer is kept of it: what a report
--      adds to the totals tells a repeated one); its stamp; the terms of each service, where they are not
--      only named in it; report, packed (REPORT_). Or brief: report, packed (BRIEF_), and its stamp, which
--      the first one of a session does without
-- Reply { REPLY_DONE, answer, packed (REPORTED_) }
--       { REPLY_OTHER_SESSION, session id } for a report that is kept under another id
--       { REPLY_TERMS_UNKNOWN } for a brief report that is not plain, terms that are only named, or a
--       place that was left out: the report is to come whole
--       { a refusal }: FENCED, NEWER_STATE, UNKNOWN_ACCOUNT, STALE_PROFILE, AMOUNT_RANGE, and
--       UNKNOWN_SESSION for one that is older than what is remembered; nothing has changed then
-- Events session, usage, bucket-state, ledger (expiry)
local keys, args = KEYS, ARGV
if #args == 2 then
  return report_plainly(keys, args) or { REPLY_TERMS_UNKNOWN }
end
return record_report(keys, open_request(args, keys), cmsgpack.unpack(args[#args]), true)
