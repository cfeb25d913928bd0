#!lua
-- K: the account is a hash: `h` the packed header, `g:<resource>` the slim buckets of a resource in
-- consumption order, packed.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local group = 'g:' .. resource
local fields = redis.call('HMGET', key, 'h', group)
local header, buckets = unpack_value(fields[1]), unpack_value(fields[2])
local eligible = {}
for i = 1, #buckets do
  local b = buckets[i]
  if b[2] == 'active' and (not b[3] or b[3] <= now) and (not b[4] or b[4] > now) then
    eligible[#eligible + 1] = b
    if #eligible == 2 then break end
  end
end

local first, second = eligible[1], eligible[2]
first[5] = first[5] - used
first[6] = requested
second[6] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('HSET', key, 'h', pack(header), group, pack(buckets))
return first[1]
