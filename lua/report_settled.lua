#!lua flags=allow-oom
--- @include "record_report"
-- report_settled: what a NAS says of a session, of which only the use is taken: it is charged and
-- nothing is reserved. Runs when memory is out.
--
-- KEYS account, session, control, outbox, timers, access, nas, steer, tasks, and the sharing owner's
--      account where there is one - all of one partition
-- ARGV request, packed (REQUEST_ in layout.lua); report, packed (REPORT_)
-- Reply as report.lua
-- Events session, usage, bucket-state, ledger (expiry)
local keys, request, given = KEYS, cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
return record_report(keys, request, given, false)
