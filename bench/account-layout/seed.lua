#!lua
-- Writes one account of the given layout.
-- KEYS[1] account key
-- ARGV[1] layout; ARGV[2] header as JSON; ARGV[3] buckets as JSON: arrays of 16 fields in any order
-- Bucket fields: 1 id, 2 resource, 3 kind, 4 priority, 5 state, 6 start, 7 end, 8 created,
-- 9 remaining, 10 reserved, 11 floor, 12 step, 13 flags, 14 scope, 15 bundle, 16 granted.
local key, layout = KEYS[1], ARGV[1]
local header, buckets = cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local pack = cmsgpack.pack

local function consumed_before(a, b)
  if a[4] ~= b[4] then return a[4] < b[4] end
  local a_end, b_end = a[7] or math.huge, b[7] or math.huge
  if a_end ~= b_end then return a_end < b_end end
  if a[8] ~= b[8] then return a[8] < b[8] end
  return a[1] < b[1]
end

-- What a charge reads of every bucket, and the rest in one packed string.
local function slim(b)
  local rest = pack({ b[3], b[4], b[8], b[13], b[14], b[15], b[16] })
  return { b[1], b[5], b[6], b[7], b[9], b[10], b[11], b[12], rest }
end

-- Resource and packed buckets by turns, the buckets of each resource in their order.
local function grouped(form, flatten)
  local order, groups = {}, {}
  for _, bucket in ipairs(buckets) do
    local resource = bucket[2]
    if not groups[resource] then
      groups[resource] = {}
      order[#order + 1] = resource
    end
    local formed = form(bucket)
    if flatten then
      for _, field in ipairs(formed) do table.insert(groups[resource], field) end
    else
      table.insert(groups[resource], formed)
    end
  end
  local flat = {}
  for _, resource in ipairs(order) do
    flat[#flat + 1] = resource
    flat[#flat + 1] = pack(groups[resource])
  end
  return flat
end

local function same(bucket) return bucket end

local function set_with(value)
  header[#header + 1] = value
  redis.call('SET', key, pack(header))
end

if layout ~= 'packed' and layout ~= 'fields' then table.sort(buckets, consumed_before) end

local write = {}

write['packed'] = function() set_with(buckets) end
write['packed-ordered'] = write['packed']

write['packed-nested'] = function()
  local nested = {}
  for _, bucket in ipairs(buckets) do
    nested[#nested + 1] = bucket[2]
    nested[#nested + 1] = pack(layout == 'packed-slim' and slim(bucket) or bucket)
  end
  set_with(nested)
end
write['packed-slim'] = write['packed-nested']

write['packed-groups'] = function() set_with(grouped(same)) end
write['packed-slim-groups'] = function() set_with(grouped(slim)) end

write['packed-flat-groups'] = function() set_with(grouped(slim, true)) end

write['packed-flat'] = function()
  local flat = {}
  for _, bucket in ipairs(buckets) do
    flat[#flat + 1] = bucket[2]
    for _, field in ipairs(slim(bucket)) do flat[#flat + 1] = field end
  end
  set_with(flat)
end

write['fields'] = function()
  redis.call('HSET', key, 'h', pack(header))
  for _, bucket in ipairs(buckets) do redis.call('HSET', key, 'b:' .. bucket[1], pack(bucket)) end
end

write['fields-ordered'] = function()
  local order = {}
  for _, bucket in ipairs(buckets) do
    order[#order + 1] = bucket[2]
    order[#order + 1] = bucket[1]
  end
  redis.call('HSET', key, 'o', pack(order))
  write['fields']()
end

write['fields-groups'] = function()
  redis.call('HSET', key, 'h', pack(header))
  local groups = grouped(slim, layout == 'fields-flat-groups')
  for i = 1, #groups, 2 do redis.call('HSET', key, 'g:' .. groups[i], groups[i + 1]) end
end

write['fields-flat-groups'] = write['fields-groups']

write['index'] = function()
  local amounts = {}
  for _, bucket in ipairs(buckets) do
    if layout == 'index' then
      redis.call('HSET', key, 'm:' .. bucket[1], pack({ bucket[9], bucket[10] }))
    end
    amounts[#amounts + 1] = bucket[9]
    amounts[#amounts + 1] = bucket[10]
    bucket[9], bucket[10] = false, false
  end
  redis.call('HSET', key, 'h', pack(header), 'i', pack(buckets))
  if layout == 'index-amounts' then redis.call('HSET', key, 'm', pack(amounts)) end
end
write['index-amounts'] = write['index']

write[layout]()
return redis.status_reply('OK')
