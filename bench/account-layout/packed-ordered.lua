#!lua
-- A, ordered: the account is one packed string whose buckets are kept in consumption order.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])

local header = cmsgpack.unpack(redis.call('GET', key))
local buckets = header[#header]
local eligible = {}
for i = 1, #buckets do
  local b = buckets[i]
  if b[2] == resource and b[5] == 'active' and (not b[6] or b[6] <= now)
    and (not b[7] or b[7] > now) then
    eligible[#eligible + 1] = b
  end
end

local first, second = eligible[1], eligible[2]
first[9] = first[9] - used
first[10] = requested
second[10] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, cmsgpack.pack(header))
return first[1]
