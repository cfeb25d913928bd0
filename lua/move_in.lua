#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "bar_arrival"
--- @include "write_entry"
--- @include "arm_account"
-- move_in: the account arrives, with all that its sessions' timers watch: from here on it is charged
-- here. Its sequence goes on from the moved-out event, which the record waits for.
--
-- KEYS account, control, outbox, timers, access - all of the partition it goes to
-- ARGV time in ms or 0, the sealed state, stamp, timers of its sessions, packed: flat pairs (session
--      id, when in ms), its access record or '', the control value of this partition as it was before
--      the seal was looked at last: since a restart the seal may be lost, and the account charged there
-- Reply { REPLY_DONE }; { REPLY_REPEATED } it has arrived, and may have gone on
--       { REPLY_NOT_DUE } what an earlier move left here has not been dropped yet
--       { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events account (moved-in)
local account_key, control_key, outbox_key, timers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local access_key, access, control = KEYS[5], ARGV[5], ARGV[6]
local given, stamp, session_timers = tonumber(ARGV[1]), ARGV[3], cmsgpack.unpack(ARGV[4])

local entry_id = open_partition(control_key)
if not entry_id or redis.call('GET', control_key) ~= control then
  return { REPLY_FENCED }
end
local account = cmsgpack.unpack(ARGV[2])
local barred = bar_arrival(account_key, account[ACCOUNT_SEQUENCE])
if barred then
  return barred
end
local now = read_time(given, account[ACCOUNT_LAST_SEEN])
account[ACCOUNT_LAST_SEEN] = now
local event =
  { EVENT_ACCOUNT, ACCOUNT_MOVED_IN, account[ACCOUNT_STANDING], account[ACCOUNT_PROFILE] }
redis.call('ZCARD', timers_key)

write_entry(outbox_key, entry_id, now, stamp, { account }, { { event } })
redis.call('SET', account_key, cmsgpack.pack(account))
if access ~= '' then
  redis.call('SET', access_key, access)
end
arm_account(timers_key, account, 0)
for i = 1, #session_timers, 2 do
  redis.call('ZADD', timers_key, session_timers[i + 1], 's:' .. session_timers[i])
end
return { REPLY_DONE }
