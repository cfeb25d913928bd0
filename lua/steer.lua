#!lua
--- @include "read_time"
--- @include "open_partition"
--- @include "read_book"
--- @include "raise_steering"
-- steer: asks for a request to the gateway of a live session, or of all that an account has.
--
-- KEYS account, session (the account's key again for an account's task), control, steer, tasks
-- ARGV time in ms or 0, member ("s:<session id>" or "a:<account id>"), kind (STEER_), reason (STEER_)
-- Reply { REPLY_DONE }
--       { REPLY_UNKNOWN_SESSION } not open (any more)
--       { REPLY_UNKNOWN_ACCOUNT }, { REPLY_MOVED, partition }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events none: what becomes of the request is one (conclude.lua)
local account_key, session_key, control_key, steer_key, tasks_key =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local given, member = tonumber(ARGV[1]), ARGV[2]
local kind, reason = tonumber(ARGV[3]), tonumber(ARGV[4])

if not open_partition(control_key) then
  return { REPLY_FENCED }
end
local account, missing = read_book(account_key)
if not account then
  return missing
end
local after = account[ACCOUNT_SEQUENCE]
if string.byte(member) == 115 then
  local header = redis.call('HGET', session_key, 'h')
  if not header or cmsgpack.unpack(header)[SESSION_STATE] ~= SESSION_OPEN then
    return { REPLY_UNKNOWN_SESSION }
  end
  after = -1
end
check_steering(steer_key, tasks_key)
local now = read_time(given, account[ACCOUNT_LAST_SEEN])
raise_steering(steer_key, tasks_key, member, kind, reason, now, after)
return { REPLY_DONE }
