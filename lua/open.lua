#!lua flags=allow-oom
--- @include "open_partition"
-- open: opens a partition in an epoch, after it was compared with the record. Its stream goes on as
-- <epoch>-0. Only in the reign in which it was compared: a server that has restarted since may have
-- lost what it had then.
--
-- KEYS control, outbox
-- ARGV epoch, reign, the entry that the outbox is to be said to stand at, or ""
-- Reply { REPLY_DONE }; { REPLY_CONFLICT } the reign is another
local control_key, outbox_key = KEYS[1], KEYS[2]
local epoch, reign, stands_at = ARGV[1], ARGV[2], ARGV[3]

if reign ~= fence.reign() then
  return { REPLY_CONFLICT }
end

-- Reads only: a key of the wrong type must fail before the first write.
redis.call('GET', control_key)
redis.call('XLEN', outbox_key)

if stands_at ~= '' then
  -- What the record has and this server never had: the reader of the outbox begins behind it, and
  -- nothing before it is left to record.
  if redis.call('EXISTS', outbox_key) == 1 then
    redis.call('XGROUP', 'DESTROY', outbox_key, 'record')
  end
  redis.call('XGROUP', 'CREATE', outbox_key, 'record', stands_at, 'MKSTREAM')
  redis.call('XSETID', outbox_key, stands_at)
end
redis.call('SET', control_key, epoch .. ':' .. reign)
return { REPLY_DONE }
