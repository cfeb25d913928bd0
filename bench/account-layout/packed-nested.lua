#!lua
-- E: the account is one packed string: header, then for each bucket in consumption order its
-- resource and the bucket packed into a string of its own. Only what the walk meets is unpacked.
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
    if b[5] == 'active' and (not b[6] or b[6] <= now) and (not b[7] or b[7] > now) then
      eligible[#eligible + 1] = b
      at[#at + 1] = i + 1
      if #eligible == 2 then break end
    end
  end
end

local first, second = eligible[1], eligible[2]
first[9] = first[9] - used
first[10] = requested
second[10] = requested
buckets[at[1]] = pack(first)
buckets[at[2]] = pack(second)
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, pack(header))
return first[1]
