#!lua
-- J: as A ordered, but the fields of all buckets stand in one flat array and the seldom-read ones
-- of each bucket are one packed string: no table per bucket.
-- Stride 10: resource, id, state, start, end, remaining, reserved, floor, step, the rest.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local header = unpack_value(redis.call('GET', key))
local buckets = header[#header]
local first, second
for i = 1, #buckets, 10 do
  if buckets[i] == resource and buckets[i + 2] == 'active'
    and (not buckets[i + 3] or buckets[i + 3] <= now)
    and (not buckets[i + 4] or buckets[i + 4] > now) then
    if first then second = i break end
    first = i
  end
end

buckets[first + 5] = buckets[first + 5] - used
buckets[first + 6] = requested
buckets[second + 6] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, pack(header))
return buckets[first + 1]
