#!lua
-- The bare charge: what a charging script does at the least, written plainly and not tuned. It is
-- the yardstick that the charge script is measured against (bench/engine.ts), so it is never
-- changed: not to make it faster, not to make it slower.
--
-- It reads 8 fields of the account, parses its 4 buckets and sorts them, debits the use and
-- reserves the next units, writes each change by a call of its own, writes the session with its
-- timer and adds an entry to a stream. It knows no duplicates, no rating, no bucket states, no
-- thresholds and no release of an earlier reservation but the session's own.
--
-- KEYS 1 account, 2 session, 3 timers, 4 outbox
-- ARGV 1 now in ms, 2 session id, 3 request number, 4 units used, 5 units asked for, 6 units the
--      session held before
-- Reply the units granted
local account_key, session_key, timers_key, outbox_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, session_id, number = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local used, asked, held = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local fields = redis.call('HMGET', account_key,
  'status', 'version', 'sequence', 'last_seen', 'bucket:1', 'bucket:2', 'bucket:3', 'bucket:4')
if fields[1] ~= 'active' then
  return redis.error_reply('ERR account is not active')
end
local sequence = tonumber(fields[3])

-- A bucket is text: "<priority>:<end>:<remaining>:<reserved>".
local buckets = {}
for i = 1, 4 do
  local priority, ends, remaining, reserved =
    string.match(fields[4 + i], '^(%d+):(%d+):(%d+):(%d+)$')
  table.insert(buckets, {
    name = 'bucket:' .. i,
    priority = tonumber(priority),
    ends = tonumber(ends),
    remaining = tonumber(remaining),
    reserved = tonumber(reserved),
  })
end
table.sort(buckets, function(a, b)
  if a.priority ~= b.priority then
    return a.priority < b.priority
  end
  if a.ends ~= b.ends then
    return a.ends < b.ends
  end
  return a.name < b.name
end)

local function write_bucket(bucket)
  redis.call('HSET', account_key, bucket.name, string.format('%.0f:%.0f:%.0f:%.0f',
    bucket.priority, bucket.ends, bucket.remaining, bucket.reserved))
end

-- The use is taken from the first bucket that has it, and that bucket gives back what was held.
local debited
for _, bucket in ipairs(buckets) do
  if bucket.ends > now and bucket.remaining >= used then
    bucket.remaining = bucket.remaining - used
    bucket.reserved = bucket.reserved - math.min(held, bucket.reserved)
    write_bucket(bucket)
    debited = bucket
    break
  end
end

-- The next units are held in the first bucket that has them free.
local granted = 0
for _, bucket in ipairs(buckets) do
  local free = bucket.remaining - bucket.reserved
  if bucket.ends > now and free > 0 then
    granted = math.min(asked, free)
    bucket.reserved = bucket.reserved + granted
    write_bucket(bucket)
    break
  end
end

redis.call('HSET', account_key, 'sequence', sequence + 1)
redis.call('HSET', account_key, 'last_seen', ARGV[1])
redis.call('HSET', session_key, 'number', number, 'used', used, 'granted', granted, 'at', ARGV[1])
redis.call('ZADD', timers_key, now + 7200000, session_id)
redis.call('XADD', outbox_key, '*', 'session', session_id, 'number', number,
  'sequence', sequence + 1, 'bucket', debited and debited.name or '', 'used', used,
  'remaining', debited and debited.remaining or 0, 'granted', granted)
return granted
