#!lua
-- A: the account is one packed string; the order is worked out at each charge.
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
table.sort(eligible, function(a, b)
  if a[4] ~= b[4] then return a[4] < b[4] end
  local a_end, b_end = a[7] or math.huge, b[7] or math.huge
  if a_end ~= b_end then return a_end < b_end end
  if a[8] ~= b[8] then return a[8] < b[8] end
  return a[1] < b[1]
end)

local first, second = eligible[1], eligible[2]
first[9] = first[9] - used
first[10] = requested
second[10] = requested
header[2] = header[2] + 1
header[3] = now
redis.call('SET', key, cmsgpack.pack(header))
return first[1]
