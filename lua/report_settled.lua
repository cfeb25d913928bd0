#!lua flags=allow-oom
--- @include "open_request"
--- @include "record_report"
-- report_settled: what a NAS says of a session, of which only the use is taken: it is charged and
-- nothing is reserved. Runs when memory is out.
--
-- KEYS account, session, control, outbox, timers, access, nas, steer, tasks, and the sharing owner's
--      account where there is one - all of one partition
-- ARGV request, packed (REQUEST_ in layout.lua; no fingerprint, as no answer is kept of it: what a report
--      adds to the totals tells a repeated one); its stamp; the terms of each service; report, packed
--      (REPORT_)
-- Reply as report.lua
-- Events session, usage, bucket-state, ledger (expiry)
local keys, args = KEYS, ARGV
return record_report(keys, open_request(args, keys), cmsgpack.unpack(args[#args]), false)
