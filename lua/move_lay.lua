#!lua flags=allow-oom
--- @include "open_partition"
--- @include "write_fields"
--- @include "bar_arrival"
-- move_lay: puts a session down where its account is about to arrive. Nothing looks at it before the
-- account is there; once it is, or has gone on from there, a copy that comes late changes nothing.
--
-- KEYS account, session, control - all of the partition it goes to
-- ARGV sequence of the moved-out event, the session's fields and values, packed
-- Reply { REPLY_DONE }; { REPLY_REPEATED } the account has arrived
--       { REPLY_NOT_DUE } what an earlier move left here has not been dropped yet
--       { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events none: the account's arrival is one (move_in.lua)
local account_key, session_key, control_key = KEYS[1], KEYS[2], KEYS[3]
local sequence, fields = tonumber(ARGV[1]), cmsgpack.unpack(ARGV[2])

if not open_partition(control_key) then
  return { REPLY_FENCED }
end
local barred = bar_arrival(account_key, sequence)
if barred then
  return barred
end
redis.call('DEL', session_key)
write_fields(session_key, fields)
return { REPLY_DONE }
