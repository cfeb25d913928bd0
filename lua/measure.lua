#!lua flags=no-writes
--- @include "charge_session"
--- @include "access_record"
--- @include "measure_capacity"
-- measure: what a live session of the network may use from now on: for its NAS to be told. Reads only.
--
-- KEYS account, session, control, access, and the sharing owner's account where there is one - all of
--      one partition
-- ARGV request, packed (REQUEST_ in layout.lua) with the session's services; question, packed
--      (MEASURE_)
-- Reply { REPLY_DONE, answer, packed (MEASURED_) }
--       { a refusal }: FENCED, UNKNOWN_SESSION, NEWER_STATE, UNKNOWN_ACCOUNT, SERVICE_DENIED where the
--       account may use nothing
-- Events none
local request, question = cmsgpack.unpack(ARGV[1]), cmsgpack.unpack(ARGV[2])
local session_key, access_key, owner_key = KEYS[2], KEYS[4], KEYS[5]
forget_owner()
if not open_partition(KEYS[3]) then
  return { REPLY_FENCED }
end
local account, missing = read_book(KEYS[1])
if not account then
  return missing
end
local stored, access = redis.call('HGET', session_key, 'r'), nas.read_access(access_key)
if not stored then
  return { REPLY_UNKNOWN_SESSION }
end
local track = nas.read_track(stored)
if not access or track[TRACK_VERSION] > SCHEMA_VERSION then
  return { REPLY_NEWER_STATE }
end
local books = nas.read_books(KEYS[1], owner_key, request[REQUEST_SHARING])
if not books then
  return { REPLY_SERVICE_DENIED }
end
local now = read_time(request[REQUEST_NOW], account[ACCOUNT_LAST_SEEN])
local gauges, most = question[MEASURE_GAUGES], question[MEASURE_SESSIONS_MAX]
local limits, spent, ends_at =
  nas.measure_session(books, session_key, request, gauges, track, { 0, 0, 0 }, most, now)
return {
  REPLY_DONE,
  cmsgpack.pack({
    now,
    spent,
    limits,
    nas.earlier_end(question[MEASURE_EXPIRES_AT], ends_at),
    (nas.count_caps(access, question[MEASURE_CAPS], now, 0, 0)),
  }),
}
