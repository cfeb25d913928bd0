-- The server's clock, in ms since 1970, as all calls of a batch see it; nil where a call came alone.
local stopped_at

-- read_clock(): the server's clock, in ms since 1970.
local function read_clock()
  local clock = redis.call('TIME')
  local microseconds = clock[2] + 0
  return clock[1] * 1000 + (microseconds - microseconds % 1000) / 1000
end

-- with_clock(script): the script as Redis calls it: a batch before it has left the clock stopped.
local function with_clock(script)
  return function(keys, args)
    stopped_at = nil
    return script(keys, args)
  end
end

-- stop_clock(): until Redis calls the next function it is now.
local function stop_clock()
  stopped_at = read_clock()
end

-- read_time(given, last_seen): the one reading of the time of a script, in ms since 1970.
-- given is 0 in production: then the server's clock counts. Never earlier than last_seen, so that
-- an account never sees time run backwards (a clock that was set back, a failover).
local function read_time(given, last_seen)
  local now = given
  if now == 0 then
    now = stopped_at or read_clock()
  end
  if now < last_seen then
    return last_seen
  end
  return now
end

-- time_text(time): a time in ms since 1970 as text. Redis would write a number as one that may have a
-- fraction, which costs four times as much.
local function time_text(time)
  return string.format('%d', time)
end
