#!lua
-- C: the account is a hash: `h` the packed header, `i` the packed static part of all buckets in
-- consumption order, `m:<id>` the packed amounts of one bucket each.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local head = redis.call('HMGET', key, 'h', 'i')
local header, index = unpack_value(head[1]), unpack_value(head[2])
local names = {}
for i = 1, #index do
  local b = index[i]
  if b[2] == resource and b[5] == 'active' and (not b[6] or b[6] <= now)
    and (not b[7] or b[7] > now) then
    names[#names + 1] = 'm:' .. b[1]
  end
end
local amounts = redis.call('HMGET', key, unpack(names))
for i = 1, #amounts do amounts[i] = unpack_value(amounts[i]) end

local first, second = amounts[1], amounts[2]
first[1] = first[1] - used
first[2] = requested
second[2] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('HSET', key, 'h', pack(header), names[1], pack(first), names[2], pack(second))
return names[1]
