#!lua
-- L: the account is one packed string: header, then for each resource its buckets in consumption
-- order, packed as one flat array: no table per bucket, and only the resource asked for is unpacked.
-- Stride 9: id, state, start, end, remaining, reserved, floor, step, the rest as one packed string.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local header = unpack_value(redis.call('GET', key))
local groups = header[#header]
local at = 1
while groups[at] ~= resource do at = at + 2 end
local buckets = unpack_value(groups[at + 1])
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
groups[at + 1] = pack(buckets)
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, pack(header))
return buckets[first]
