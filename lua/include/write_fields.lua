-- write_fields(key, pairs): sets fields of a hash, given as flat pairs, in portions: a session of
-- thousands of services has more than one call can carry, and nothing may fail after the first write.
local FIELDS_MAX = 1000

local function write_fields(key, pairs)
  for i = 1, #pairs, FIELDS_MAX do
    redis.call('HSET', key, unpack(pairs, i, math.min(i + FIELDS_MAX - 1, #pairs)))
  end
end
