#!lua
-- M: the account is a hash: `h` the packed header, `g:<resource>` the buckets of a resource in
-- consumption order, packed as one flat array.
-- Stride 9: id, state, start, end, remaining, reserved, floor, step, the rest as one packed string.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local group = 'g:' .. resource
local fields = redis.call('HMGET', key, 'h', group)
local header, buckets = unpack_value(fields[1]), unpack_value(fields[2])
local first, second
for i = 1, #buckets, 9 do
  if buckets[i + 1] == 'active' and (not buckets[i + 2] or buckets[i + 2] <= now)
    and (not buckets[i + 3] or buckets[i + 3] > now) then
    if first then second = i break end
    first = i
  end
end

buckets[first + 4] = buckets[first + 4] - used
buckets[first + 5] = requested
buckets[second + 5] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('HSET', key, 'h', pack(header), group, pack(buckets))
return buckets[first]
