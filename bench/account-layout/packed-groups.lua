#!lua
-- G: the account is one packed string: header, then for each resource its buckets in consumption
-- order packed into one string of their own. Only the resource asked for is unpacked.
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
local eligible = {}
for i = 1, #buckets do
  local b = buckets[i]
  if b[5] == 'active' and (not b[6] or b[6] <= now) and (not b[7] or b[7] > now) then
    eligible[#eligible + 1] = b
    if #eligible == 2 then break end
  end
end

local first, second = eligible[1], eligible[2]
first[9] = first[9] - used
first[10] = requested
second[10] = requested
groups[at + 1] = pack(buckets)
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, pack(header))
return first[1]
