#!lua
-- D: the account is a hash of three: `h` the packed header, `i` the packed static part of all
-- buckets in consumption order, `m` the amounts of all buckets in one packed array.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local head = redis.call('HMGET', key, 'h', 'i', 'm')
local header, index, amounts = unpack_value(head[1]), unpack_value(head[2]), unpack_value(head[3])
local eligible = {}
for i = 1, #index do
  local b = index[i]
  if b[2] == resource and b[5] == 'active' and (not b[6] or b[6] <= now)
    and (not b[7] or b[7] > now) then
    eligible[#eligible + 1] = i
  end
end

local first, second = eligible[1], eligible[2]
amounts[2 * first - 1] = amounts[2 * first - 1] - used
amounts[2 * first] = requested
amounts[2 * second] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('HSET', key, 'h', pack(header), 'm', pack(amounts))
return index[first][1]
