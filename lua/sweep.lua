#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "moved_to"
--- @include "read_owner"
--- @include "open_buckets"
--- @include "open_terms"
--- @include "price_units"
--- @include "list_eligible"
--- @include "plan_walk"
--- @include "change_buckets"
--- @include "settle_usage"
--- @include "write_entry"
--- @include "check_thresholds"
--- @include "arm_account"
--- @include "write_fields"
--- @include "access_record"
--- @include "name_starved"
-- sweep: does what a timer has come for. An open session past its supervision time is closed and
-- its reservations go back; a finished one past its retention is removed; the buckets of an account
-- end or start. A live session of RADIUS whose use ends now is steered. A timer that stood too early
-- is set again.
--
-- A session that is closed frees units: those that had got their last units are told to ask again.
--
-- KEYS account, session (the account's key again for an account's timer), control, outbox, timers,
--      steer, tasks, and the sharing owner's account where the session holds units of his
-- ARGV time in ms or 0, timer member ("s:<session id>" or "a:<account id>"), and for a session whose
--      gateway forgot it, the moment of that: not heard since then it is closed before its time
-- Reply { REPLY_DONE, 'expired' | 'removed' | 'turned' | 'forgotten' | 'steered' }
--       { REPLY_NOT_DUE, when in ms } armed again
--       { REPLY_MOVED, partition }, { REPLY_OWNER_NEEDED, account id }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events session (expired), bucket-state, ledger (expiry)
local account_key, session_key, control_key, outbox_key, timers_key =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local steer_key, tasks_key, owner_key = KEYS[6], KEYS[7], KEYS[8]
local given, member, forgotten = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3] or '0')

forget_owner()
local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
redis.call('ZCARD', timers_key)
local packed = redis.call('GET', account_key)
local account = packed and cmsgpack.unpack(packed) or nil
if account and account[ACCOUNT_VERSION] > SCHEMA_VERSION then
  return { REPLY_NEWER_STATE }
end

if account and moved_to(account) then
  -- Until all that is its has arrived elsewhere nothing changes here; what is left then is nobody's.
  if account[MOVED_STATE] then
    return { REPLY_MOVED, moved_to(account) }
  end
  redis.call('ZREM', timers_key, member)
  if string.byte(member) == 115 then
    redis.call('DEL', session_key)
  end
  return { REPLY_DONE, 'forgotten' }
end

-- forget(): the timer watches nothing any more.
local function forget(what)
  redis.call('ZREM', timers_key, member)
  return { REPLY_DONE, what }
end

-- sweep_account(): turns the account's buckets.
local function sweep_account()
  if not account then
    return forget('forgotten')
  end
  local now, events = read_time(given, account[ACCOUNT_LAST_SEEN]), {}
  local due = account[ACCOUNT_NEXT_CHANGE]
  if due == 0 then
    return forget('forgotten')
  end
  if due > now then
    redis.call('ZADD', timers_key, due, member)
    return { REPLY_NOT_DUE, string.format('%.0f', due) }
  end
  turn_buckets(account, events, now)
  check_thresholds(account, events)
  account[ACCOUNT_LAST_SEEN] = now
  write_entry(outbox_key, entry_id, now, false, { account }, { events })
  redis.call('SET', account_key, pack_account(account))
  if account[ACCOUNT_NEXT_CHANGE] == 0 then
    return forget('turned')
  end
  arm_account(timers_key, account, due)
  return { REPLY_DONE, 'turned' }
end

-- sweep_session(): closes or removes a session.
local function sweep_session()
  local read = redis.call('HMGET', session_key, 'h', 'm', 'r')
  local stored, stamp, track = read[1], read[2], read[3] and nas.read_track(read[3])
  if not stored then
    return forget('forgotten')
  end
  local header = cmsgpack.unpack(stored)
  if
    header[SESSION_VERSION] > SCHEMA_VERSION
    or (track and track[TRACK_VERSION] > SCHEMA_VERSION)
  then
    return { REPLY_NEWER_STATE }
  end
  local now = read_time(given, account and account[ACCOUNT_LAST_SEEN] or 0)
  local silent = header[SESSION_DEADLINE] <= now
  local lost = header[SESSION_STATE] == SESSION_OPEN and header[SESSION_LAST_SEEN] < forgotten
  if not silent and not lost then
    local look_at, ends_at = header[SESSION_DEADLINE], track and track[TRACK_ENDS_AT] or 0
    local over = ends_at > 0 and ends_at <= now
    if header[SESSION_STATE] == SESSION_OPEN and ends_at > now then
      look_at = math.min(look_at, ends_at)
    end
    check_steering(steer_key, tasks_key)
    header[SESSION_TIMER] = look_at
    local fields = { 'h', cmsgpack.pack(header) }
    if over then
      track[TRACK_ENDS_AT] = 0
      fields[3], fields[4] = 'r', cmsgpack.pack(track)
    end
    write_fields(session_key, fields)
    redis.call('ZADD', timers_key, look_at, member)
    if over and header[SESSION_STATE] == SESSION_OPEN then
      raise_steering(steer_key, tasks_key, member, STEER_REAUTHORISE, STEER_QUOTA, now, -1)
      return { REPLY_DONE, 'steered' }
    end
    return { REPLY_NOT_DUE, string.format('%.0f', look_at) }
  end
  if header[SESSION_STATE] ~= SESSION_OPEN or not account then
    -- One that leads to another goes by itself, once nobody asks for it any more.
    if redis.call('TTL', session_key) < 0 then
      redis.call('DEL', session_key)
    end
    return forget('removed')
  end
  local books, events, due = { account }, { {} }, {}
  if header[SESSION_OWNER] then
    local owner, missing = read_owner(owner_key, header[SESSION_OWNER])
    if not owner then
      return missing
    end
    books[2], events[2] = owner, {}
    now = read_time(now, books[2][ACCOUNT_LAST_SEEN])
  end
  local id, writes = string.sub(member, 3), {}
  for b = 1, #books do
    due[b] = books[b][ACCOUNT_NEXT_CHANGE]
    if due[b] > 0 and due[b] <= now then
      turn_buckets(books[b], events[b], now)
    end
  end
  local noted, named = note_free(books, id), {}
  local keys = header[SESSION_SERVICES]
  for i = 1, #keys do
    local service = cmsgpack.unpack(redis.call('HGET', session_key, 's:' .. keys[i]))
    release_legs(books, service)
    writes[#writes + 1] = 's:' .. keys[i]
    writes[#writes + 1] = cmsgpack.pack(service)
  end
  if noted then
    named = take_starved(books, noted, id, now)
    check_steering(steer_key, tasks_key)
  end
  for b = 1, #books do
    remember(books[b][ACCOUNT_STARVED], id, false)
    turn_ended(books[b], events[b], now)
    check_thresholds(books[b], events[b])
    books[b][ACCOUNT_LAST_SEEN] = now
  end
  header[SESSION_OWNER] = false
  header[SESSION_STATE] = SESSION_EXPIRED
  header[SESSION_DEADLINE] = now + header[SESSION_RETENTION]
  header[SESSION_TIMER] = header[SESSION_DEADLINE]
  events[1][#events[1] + 1] = {
    EVENT_SESSION,
    id,
    CHANGE_EXPIRED,
    header[SESSION_LAST_NUMBER],
    silent and 'supervision' or 'restart',
    header[SESSION_OPENED],
  }
  writes[#writes + 1] = 'h'
  writes[#writes + 1] = cmsgpack.pack(header)
  write_entry(outbox_key, entry_id, now, stamp, books, events)
  for b = 1, #books do
    redis.call('SET', b == 1 and account_key or owner_key, pack_account(books[b]))
    arm_account(timers_key, books[b], due[b])
  end
  write_fields(session_key, writes)
  redis.call('ZADD', timers_key, header[SESSION_DEADLINE], member)
  raise_starved(steer_key, tasks_key, named, STEER_RELEASE, now)
  return { REPLY_DONE, 'expired' }
end

if string.byte(member) == 97 then
  return sweep_account()
end
return sweep_session()
