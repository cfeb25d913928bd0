#!lua
-- B: the account is a hash: `h` the packed header, `b:<id>` one packed bucket each.
-- KEYS[1] account key
-- ARGV: 1 now, 2 resource, 3 used, 4 requested
local key, now, resource = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local used, requested = tonumber(ARGV[3]), tonumber(ARGV[4])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local fields = redis.call('HGETALL', key)
local header
local eligible = {}
for i = 1, #fields, 2 do
  local value = unpack_value(fields[i + 1])
  if fields[i] == 'h' then
    header = value
  elseif value[2] == resource and value[5] == 'active' and (not value[6] or value[6] <= now)
    and (not value[7] or value[7] > now) then
    eligible[#eligible + 1] = value
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
redis.call('HSET', key, 'h', pack(header), 'b:' .. first[1], pack(first),
  'b:' .. second[1], pack(second))
return first[1]
