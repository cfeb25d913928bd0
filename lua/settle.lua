#!lua flags=allow-oom
--- @include "open_request"
--- @include "charge_session"
-- settle: one request of a charging session, of which only the report is taken: usage is charged
-- and reservations are released, nothing is granted. Runs when memory is out.
--
-- KEYS account, session, control, outbox, timers, and the sharing owner's account where there is
--      one (the account's key again where keys follow), steer, tasks (once they are asked for, as
--      other sessions wait for units) - all of one partition
-- ARGV as charge.lua
-- Reply as charge.lua; a service that asked for units is answered SERVICE_DENIED
-- Events session, usage per service that reports use, bucket-state, ledger (expiry)
local keys, request = KEYS, open_request(ARGV, KEYS)
return charge_session(keys, request, false)
