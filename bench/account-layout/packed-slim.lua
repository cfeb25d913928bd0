#!lua
-- H: as E, and what a charge seldom reads of a bucket (priority, creation, granted, bundle, ...) is
-- one packed string inside the bucket.
-- Bucket here: 1 id, 2 state, 3 start, 4 end, 5 remaining, 6 reserved, 7 floor, 8 step, 9 the rest.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local header = unpack_value(redis.call('GET', key))
local buckets = header[#header]
local eligible, at = {}, {}
for i = 1, #buckets, 2 do
  if buckets[i] == resource then
    local b = unpack_value(buckets[i + 1])
    if b[2] == 'active' and (not b[3] or b[3] <= now) and (not b[4] or b[4] > now) then
      eligible[#eligible + 1] = b
      at[#at + 1] = i + 1
      if #eligible == 2 then break end
    end
  end
end

local first, second = eligible[1], eligible[2]
first[5] = first[5] - used
first[6] = requested
second[6] = requested
buckets[at[1]] = pack(first)
buckets[at[2]] = pack(second)
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, pack(header))
return first[1]
