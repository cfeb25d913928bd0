#!lua
--- @include "open_request"
--- @include "charge_session"
--- @include "access_record"
--- @include "measure_capacity"
--- @include "admit_plainly"
-- admit: decides whether a subscriber whose credentials were checked may come in, and if so reserves
-- what its session begins with. The session is provisional until its NAS reports it; without a
-- report the sweeper ends it. The same request gets the same answer for ADMIT_ANSWER_MS, whichever
-- process asks.
--
-- KEYS account, session, control, outbox, timers, access, answer, and the sharing owner's account
--      where there is one - all of one partition
-- ARGV request, packed (REQUEST_ in layout.lua: an initial one without a fingerprint, as the answer is kept
--      here); its stamp; the terms of each service, where they are not only named in it; where the
--      session is in the network, as it is kept with it; admission, packed (ADMIT_)
-- Reply { REPLY_DONE or REPLY_REPEATED, answer, packed (ADMITTED_) }; a refusal of the subscriber is
--       an answer too
--       { a refusal }: FENCED, NEWER_STATE, UNKNOWN_ACCOUNT, STALE_PROFILE; TERMS_UNKNOWN for terms that
--       are only named; nothing has changed then
-- Events session, ledger (expiry), bucket-state
local plain = admit_plainly(KEYS, ARGV)
if plain then
  return plain
end
local request, admit = open_request(ARGV, KEYS), cmsgpack.unpack(ARGV[#ARGV])
local access_key, answer_key, owner_key = KEYS[6], KEYS[7], KEYS[8]
local user = admit[ADMIT_USER]
forget_owner()
if not open_partition(KEYS[3]) then
  return { REPLY_FENCED }
end
local before = redis.call('GET', answer_key)
if before then
  return { REPLY_REPEATED, before }
end
local account, missing = read_book(KEYS[1])
if not account then
  return missing
end
if account[ACCOUNT_PROFILE] ~= request[REQUEST_PROFILE] then
  return { REPLY_STALE_PROFILE }
end
local access = nas.read_access(access_key)
if not access then
  return { REPLY_NEWER_STATE }
end
local books, sharing = { account }, request[REQUEST_SHARING]
if sharing then
  books[2], missing = read_book(owner_key)
  if not books[2] then
    return missing
  end
  mark_owner(books[2])
end
local now = read_time(request[REQUEST_NOW], account[ACCOUNT_LAST_SEEN])
request[REQUEST_NOW] = now
local asks, gauges, rates = request[REQUEST_SERVICES], admit[ADMIT_GAUGES], admit[ADMIT_RATES]
for i = 1, #asks do
  if not open_terms(asks[i][ASK_TERMS]) then
    return { REPLY_TERMS_UNKNOWN }
  end
end

-- is_crowded(): whether as many sessions as may be are live, those that this one replaces left aside.
local function is_crowded()
  local sessions, count = access[ACCESS_SESSIONS], 0
  for i = 1, #sessions do
    local live = sessions[i]
    if
      live[LIVE_UNTIL] > now
      and live[LIVE_USER] == user
      and not nas.same_place(live, user, admit[ADMIT_NAS], admit[ADMIT_STATION], admit[ADMIT_PORT])
    then
      count = count + 1
    end
  end
  return admit[ADMIT_SESSIONS_MAX] > 0 and count >= admit[ADMIT_SESSIONS_MAX]
end

local limits, ends_at, quarter, spent = {}, admit[ADMIT_EXPIRES_AT], nil, false
for i = 1, #asks do
  local left, ends = nas.measure_capacity(books, asks[i], now, sharing)
  if left then
    local rate = rates[gauges[i]]
    spent = spent or left < 1
    limits[i] = left > 0 and nas.shared_limit(open_terms(asks[i][ASK_TERMS]), left, admit[ADMIT_SESSIONS_MAX]) or 0
    ends_at = nas.earlier_end(ends_at, ends)
    if rate > 0 then
      quarter = math.min(quarter or AVAILABLE_MAX, math.floor(limits[i] / rate / 4))
    end
  else
    limits[i] = false
  end
end

local gardens = admit[ADMIT_GARDENS]
local expires_at = admit[ADMIT_EXPIRES_AT]
local level = nas.count_caps(access, admit[ADMIT_CAPS], now, 0, 0)
local verdict = VERDICT_ADMITTED
if account[ACCOUNT_STANDING] == STANDING_SUSPENDED then
  verdict = VERDICT_SUSPENDED
elseif account[ACCOUNT_STANDING] ~= STANDING_ACTIVE then
  verdict = VERDICT_CLOSED
elseif is_crowded() then
  verdict = VERDICT_TOO_MANY
elseif expires_at > 0 and expires_at <= now then
  verdict = gardens >= GARDEN_EXPIRED and VERDICT_GARDEN or VERDICT_EXPIRED
elseif spent then
  verdict = gardens % GARDEN_EXPIRED == GARDEN_NO_CREDIT and VERDICT_GARDEN or VERDICT_NO_CREDIT
end
local interim =
  math.max(admit[ADMIT_INTERIM_MIN_S], math.min(admit[ADMIT_INTERIM_MAX_S], quarter or AVAILABLE_MAX))
if verdict == VERDICT_GARDEN then
  level, limits, ends_at = LEVEL_GARDEN, {}, 0
  for i = 1, #asks do
    asks[i][ASK_TERMS] = admit[ADMIT_FREE_TERMS][i]
    asks[i][ASK_WANT], limits[i] = WANT_NOTHING, false
  end
end
local id = request[REQUEST_SESSION]
local answer = cmsgpack.pack({ verdict, id, now, interim, ends_at, limits, level })
if verdict ~= VERDICT_ADMITTED and verdict ~= VERDICT_GARDEN then
  redis.call('SET', answer_key, answer, 'PX', admit[ADMIT_ANSWER_MS])
  return { REPLY_DONE, answer }
end

for i = 1, #asks do
  if limits[i] and rates[gauges[i]] > 0 then
    asks[i][ASK_WANT] = rates[gauges[i]] * 2 * interim
  end
end
local keys = { KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], owner_key, false }
local track =
  { SCHEMA_VERSION, TRACK_PROVISIONAL, 0, now, 0, 0, 0, 0, 0, 0, 0, interim, level, level, now }
track[TRACK_LIMITS], track[TRACK_TOLD_END], track[TRACK_ENDS_AT] = limits, ends_at, ends_at
local fields = { 'r', cmsgpack.pack(track), 'n', ARGV[#ARGV - 1] }
local reply = charge_session(keys, request, true, books, fields)
if reply[1] ~= REPLY_DONE then
  return reply
end
nas.drop_dead(access, now)
nas.put_live(access, {
  id,
  now + admit[ADMIT_PROVISIONAL_MS],
  now,
  admit[ADMIT_NAS],
  admit[ADMIT_KEY],
  admit[ADMIT_STATION],
  admit[ADMIT_PORT],
  user,
  nas.is_bound(track),
})
nas.write_access(access_key, access)
nas.watch_end(KEYS[5], ends_at, id)
redis.call('SET', answer_key, answer, 'PX', admit[ADMIT_ANSWER_MS])
return { REPLY_DONE, answer }
