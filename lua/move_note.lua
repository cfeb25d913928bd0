#!lua flags=allow-oom
--- @include "open_partition"
-- move_note: leaves in a closed partition just where an account went, and after which event, as the
-- last step of its move did before Redis lost that: recovery found it in the record.
--
-- KEYS account, control, timers, access, session (any number of them: its sessions that are left here)
-- ARGV account id, sequence of the moved-out event, partition it went to, the session ids in the order
--      of the keys
-- Reply { REPLY_DONE }; { REPLY_REPEATED } what is here is as late as that, or later
--       { REPLY_CONFLICT } the partition is open, or Redis was emptied
-- Events none: every event of it is in the record
local account_key, control_key, timers_key, access_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, sequence, to = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if open_partition(control_key) or redis.call('EXISTS', control_key) == 0 then
  return { REPLY_CONFLICT }
end
local packed = redis.call('GET', account_key)
if packed and cmsgpack.unpack(packed)[ACCOUNT_SEQUENCE] >= sequence then
  return { REPLY_REPEATED }
end
redis.call('ZCARD', timers_key)
redis.call('SET', account_key, cmsgpack.pack({ SCHEMA_VERSION, id, sequence, to, false }))
redis.call('DEL', access_key)
redis.call('ZREM', timers_key, 'a:' .. id)
for k = 5, #KEYS do
  redis.call('DEL', KEYS[k])
  redis.call('ZREM', timers_key, 's:' .. ARGV[k - 1])
end
return { REPLY_DONE }
