#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
-- level: says that a NAS has taken what a session was to be given, or what it is to be given now.
--
-- KEYS session, control
-- ARGV time in ms or 0, level (LEVEL_), 1 where the NAS has taken it, 0 where it is wanted only
-- Reply { REPLY_DONE }, { REPLY_UNKNOWN_SESSION }, { REPLY_FENCED }
local session_key, control_key = KEYS[1], KEYS[2]
local given, level, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'

if not open_partition(control_key) then
  return { REPLY_FENCED }
end
local packed = redis.call('HGET', session_key, 'r')
if not packed then
  return { REPLY_UNKNOWN_SESSION }
end
local track = cmsgpack.unpack(packed)
track[TRACK_WANTED] = level
if taken then
  track[TRACK_LEVEL], track[TRACK_LEVEL_AT] = level, read_time(given, 0)
end
redis.call('HSET', session_key, 'r', cmsgpack.pack(track))
return { REPLY_DONE }
