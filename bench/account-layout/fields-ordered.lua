#!lua
-- F: the account is a hash: `h` the packed header, `o` the resources and ids of all buckets in
-- consumption order, `b:<id>` one packed bucket each. Only buckets of the resource are read.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local head = redis.call('HMGET', key, 'h', 'o')
local header, order = unpack_value(head[1]), unpack_value(head[2])
local names = {}
for i = 1, #order, 2 do
  if order[i] == resource then names[#names + 1] = 'b:' .. order[i + 1] end
end
local fields = redis.call('HMGET', key, unpack(names))
local eligible = {}
for i = 1, #fields do
  local b = unpack_value(fields[i])
  if b[5] == 'active' and (not b[6] or b[6] <= now) and (not b[7] or b[7] > now) then
    eligible[#eligible + 1] = b
    if #eligible == 2 then break end
  end
end

local first, second = eligible[1], eligible[2]
first[9] = first[9] - used
first[10] = requested
second[10] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('HSET', key, 'h', pack(header), 'b:' .. first[1], pack(first),
  'b:' .. second[1], pack(second))
return first[1]
