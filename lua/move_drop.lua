#!lua flags=allow-oom
--- @include "open_partition"
--- @include "read_sealed"
-- move_drop: the last step of a move: removes the sessions that have been put down elsewhere, and,
-- called without any, leaves of the account just where it went, and after which event.
--
-- KEYS account, control, timers, access, session (any number of them) - all of the partition it left
-- ARGV sequence of the moved-out event, the control value of this partition as it was before the account
--      arrived: since a restart that may be undone, and what is here all there is; then the session ids
--      in the order of the keys
-- Reply { REPLY_DONE }; { REPLY_REPEATED } the account is not sealed by that event (any more)
--       { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events none
local account_key, control_key, timers_key, access_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sequence, control = tonumber(ARGV[1]), ARGV[2]

if not open_partition(control_key) or redis.call('GET', control_key) ~= control then
  return { REPLY_FENCED }
end
local account, missing = read_sealed(account_key, sequence)
if not account then
  return missing
end
redis.call('ZCARD', timers_key)
for k = 5, #KEYS do
  redis.call('DEL', KEYS[k])
  redis.call('ZREM', timers_key, 's:' .. ARGV[k - 2])
end
if #KEYS == 4 then
  account[MOVED_STATE] = false
  redis.call('SET', account_key, cmsgpack.pack(account))
  redis.call('DEL', access_key)
  redis.call('ZREM', timers_key, 'a:' .. account[ACCOUNT_ID])
end
return { REPLY_DONE }
