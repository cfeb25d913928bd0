#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "access_record"
-- level: says that a NAS has taken what a session was to be given, or what it is to be given now, and
-- which limits the NAS was told with it.
--
-- KEYS session, control, timers
-- ARGV time in ms or 0, session id, level (LEVEL_) or -1 to leave it, 1 where the NAS has taken it, 0
--      where it is wanted only, packed limits and end that the NAS was told (TRACK_LIMITS,
--      TRACK_TOLD_END) or empty, when what it may use ends in ms or empty
-- Reply { REPLY_DONE }, { REPLY_UNKNOWN_SESSION }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
local session_key, control_key, timers_key = KEYS[1], KEYS[2], KEYS[3]
local given, id, level, taken = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local told, ends_at = ARGV[5], tonumber(ARGV[6])

if not open_partition(control_key) then
  return { REPLY_FENCED }
end
local packed = redis.call('HGET', session_key, 'r')
if not packed then
  return { REPLY_UNKNOWN_SESSION }
end
local track = nas.read_track(packed)
if track[TRACK_VERSION] > SCHEMA_VERSION then
  return { REPLY_NEWER_STATE }
end
if level >= 0 then
  track[TRACK_WANTED] = level
  if taken and (track[TRACK_LEVEL] ~= level or level >= LEVEL_LADDER) then
    track[TRACK_LEVEL], track[TRACK_LEVEL_AT] = level, read_time(given, 0)
  end
end
if told ~= '' then
  track[TRACK_LIMITS], track[TRACK_TOLD_END] = unpack(cmsgpack.unpack(told))
end
track[TRACK_ENDS_AT] = ends_at or track[TRACK_ENDS_AT]
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', timers_key)
redis.call('HSET', session_key, 'r', cmsgpack.pack(track))
if track[TRACK_STATE] ~= TRACK_ENDED then
  nas.watch_end(timers_key, track[TRACK_ENDS_AT], id)
end
return { REPLY_DONE }
