-- read_time(given, last_seen): the one reading of the time of a script, in ms since 1970.
-- given is 0 in production: then the server's clock counts. Never earlier than last_seen, so that
-- an account never sees time run backwards (a clock that was set back, a failover).
local function read_time(given, last_seen)
  local now = given
  if now == 0 then
    local clock = redis.call('TIME')
    local microseconds = clock[2] + 0
    now = clock[1] * 1000 + (microseconds - microseconds % 1000) / 1000
  end
  if now < last_seen then
    return last_seen
  end
  return now
end
