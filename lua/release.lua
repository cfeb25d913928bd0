#!lua flags=allow-oom
--- @include "read_time"
-- release: a session is over; its address rests, and then is anybody's.
--
-- KEYS leases, holders - both of one pool
-- ARGV time in ms or 0, session id, how long the address rests in ms
-- Reply { REPLY_DONE }, { REPLY_REPEATED } where the session holds none
local leases_key, holders_key = KEYS[1], KEYS[2]
local now, session, rest = read_time(tonumber(ARGV[1]), 0), ARGV[2], tonumber(ARGV[3])
local address = redis.call('HGET', holders_key, 's:' .. session)
if not address then
  return { REPLY_REPEATED }
end
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', leases_key)
redis.call('HDEL', holders_key, 's:' .. session)
if redis.call('HGET', holders_key, 'a:' .. address) == session then
  redis.call('HDEL', holders_key, 'a:' .. address, 'w:' .. address)
  redis.call('ZADD', leases_key, string.format('%.0f', now + rest), address)
end
return { REPLY_DONE }
