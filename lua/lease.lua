#!lua flags=allow-oom
--- @include "read_time"
-- lease: gives a session an address of a pool, or keeps the one it has. An address belongs to one
-- session until its lease is over; the longest unused goes first, what the subscriber had before
-- that. A device that logs in anew before it was heard of gets the address that it was given then. While the pool is held, as after a rebuild, nobody gets an address that it does not have:
-- its session may live, and not have reported yet.
--
-- KEYS leases, holders - both of one pool
-- ARGV lease request, packed (LEASE_ in layout.lua)
-- Reply { REPLY_DONE, address } or { REPLY_REFUSED } where there is none, or where the one asked for
--       is somebody else's
local leases_key, holders_key = KEYS[1], KEYS[2]
local request = cmsgpack.unpack(ARGV[1])
local now = read_time(request[LEASE_NOW], 0)
local session, owner, ranges = request[LEASE_SESSION], request[LEASE_OWNER], request[LEASE_RANGES]
local until_ms = now + request[LEASE_MS]
local SCAN_MAX = 256

-- in_ranges(address): whether the pool still has an address.
local function in_ranges(address)
  for i = 1, #ranges, 2 do
    if ranges[i] <= address and address <= ranges[i + 1] then
      return true
    end
  end
  return false
end

-- is_free(address): whether nobody's lease of it runs.
local function is_free(address)
  local held = redis.call('ZSCORE', leases_key, string.format('%.0f', address))
  return not held or tonumber(held) <= now
end

-- is_unheard_of(address): whether the device that asks was given it at a login that it did not get on with.
local function is_unheard_of(address)
  local text = string.format('%.0f', address)
  local waiting = request[LEASE_DEVICE] and redis.call('HGET', holders_key, 'w:' .. text)
  return waiting and waiting == redis.call('HGET', holders_key, 'a:' .. text)
end

-- give(address): makes the session its holder.
local function give(address)
  local text = string.format('%.0f', address)
  local before = redis.call('HGET', holders_key, 'a:' .. text)
  if before and before ~= session and redis.call('HGET', holders_key, 's:' .. before) == text then
    redis.call('HDEL', holders_key, 's:' .. before)
  end
  redis.call('ZADD', leases_key, until_ms, text)
  if request[LEASE_ADDRESS] then
    redis.call('HDEL', holders_key, 'w:' .. text)
  else
    redis.call('HSET', holders_key, 'w:' .. text, session)
  end
  redis.call('HSET', holders_key, 'a:' .. text, session, 's:' .. session, text, 'o:' .. owner, text)
  return { REPLY_DONE, text }
end

-- next_unused(): the first address that nobody ever had, or nil.
local function next_unused()
  local scanned = 0
  for i = 1, #ranges, 2 do
    local field = 'n:' .. string.format('%.0f', ranges[i])
    local address = tonumber(redis.call('HGET', holders_key, field) or ranges[i])
    while address <= ranges[i + 1] and scanned < SCAN_MAX do
      scanned = scanned + 1
      if not redis.call('ZSCORE', leases_key, string.format('%.0f', address)) then
        redis.call('HSET', holders_key, field, string.format('%.0f', address + 1))
        return address
      end
      address = address + 1
    end
    redis.call('HSET', holders_key, field, string.format('%.0f', address))
  end
  return nil
end

local mine = tonumber(redis.call('HGET', holders_key, 's:' .. session) or -1)
local wanted = request[LEASE_ADDRESS]
if wanted == 0 then
  return mine >= 0 and give(mine) or { REPLY_REFUSED }
elseif wanted then
  local holder = redis.call('HGET', holders_key, 'a:' .. string.format('%.0f', wanted))
  if holder == session or is_free(wanted) then
    return give(wanted)
  end
  return { REPLY_REFUSED }
end
if mine >= 0 and in_ranges(mine) then
  return give(mine)
end
if tonumber(redis.call('HGET', holders_key, 'hold') or 0) > now then
  return { REPLY_REFUSED }
end
local last = tonumber(redis.call('HGET', holders_key, 'o:' .. owner) or -1)
if last >= 0 and in_ranges(last) and (is_free(last) or is_unheard_of(last)) then
  return give(last)
end
local unused = next_unused()
if unused then
  return give(unused)
end
local over =
  redis.call('ZRANGEBYSCORE', leases_key, '-inf', now, 'LIMIT', 0, SCAN_MAX)
for i = 1, #over do
  local address = tonumber(over[i])
  if in_ranges(address) then
    return give(address)
  end
  -- The pool has it no more.
  redis.call('ZREM', leases_key, over[i])
  redis.call('HDEL', holders_key, 'a:' .. over[i], 'w:' .. over[i])
end
return { REPLY_REFUSED }
