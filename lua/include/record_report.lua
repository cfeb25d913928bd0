--- @include "charge_session"
--- @include "access_record"
--- @include "take_growth"
--- @include "measure_capacity"
--- @include "raise_steering"
-- record_report(keys, request, report, may_grant): takes what a NAS says of a session: charges what its
-- running totals grew by, moves the reservation on, keeps the account's live sessions. Shared by
-- report.lua and report_settled.lua, which differ as charge.lua and settle.lua do.

-- A NAS that keeps no Class is believed to begin a session anew this long after its last one of the
-- same id ended; before that a Start is an old one.
local REUSED_AFTER_MS = 60000

-- find_admitted(access, report): the live session that a report without our Class speaks of, or nil.
function nas.find_admitted(access, report)
  local sessions, found = access[ACCESS_SESSIONS], nil
  for i = 1, #sessions do
    local live = sessions[i]
    if live[LIVE_KEY] == report[REPORT_KEY] then
      return live[LIVE_ID]
    end
    if
      not live[LIVE_KEY]
      and live[LIVE_USER] == report[REPORT_USER]
      and live[LIVE_NAS] == report[REPORT_NAS]
      and live[LIVE_STATION] == report[REPORT_STATION]
    then
      found = live[LIVE_ID]
    end
  end
  return found
end

-- find_later(access, report, id, opened): the session that was admitted under the id of a report after
-- another one, which its NAS has given up since; or nil.
function nas.find_later(access, report, id, opened)
  local sessions = access[ACCESS_SESSIONS]
  for i = 1, #sessions do
    local live = sessions[i]
    if
      live[LIVE_KEY] == report[REPORT_KEY]
      and live[LIVE_ID] ~= id
      and live[LIVE_SINCE] > opened
    then
      return live[LIVE_ID]
    end
  end
  return nil
end

-- find_earlier(access, report, id, opened): the session that goes on with the Class of a later login: an
-- access point has its devices log in again now and then, and counts on under the id that it had. Nil where
-- the session began with the login, or nobody knows when it did.
function nas.find_earlier(access, report, id, opened)
  local seconds, sessions = report[REPORT_SECONDS], access[ACCESS_SESSIONS]
  if
    report[REPORT_STATUS] == STATUS_START
    or not seconds
    or report[REPORT_EVENT_AT] - seconds * 1000 > opened - REUSED_AFTER_MS
  then
    return nil
  end
  for i = 1, #sessions do
    local live = sessions[i]
    if
      live[LIVE_KEY] == report[REPORT_KEY]
      and live[LIVE_ID] ~= id
      and live[LIVE_SINCE] < opened
    then
      return live[LIVE_ID]
    end
  end
  return nil
end

-- new_track(report, now): what is known of a session that nobody was asked to admit. One that began
-- before we could have seen it is counted from here on.
function nas.new_track(report, now)
  local track = { SCHEMA_VERSION, TRACK_PROVISIONAL, -1, now, 0, 0, 0, 0, 0, 0, 0 }
  track[TRACK_INTERIM_S] = report[REPORT_INTERIM_MAX_S]
  track[TRACK_LEVEL], track[TRACK_WANTED], track[TRACK_LEVEL_AT] = LEVEL_FULL, LEVEL_FULL, now
  track[TRACK_LIMITS], track[TRACK_TOLD_END], track[TRACK_ENDS_AT] = {}, 0, 0
  return track
end

-- replaced_by(access, entry): the sessions that were where this one began, before it: their NAS lost
-- their Stop.
function nas.replaced_by(access, entry)
  local sessions, replaced = access[ACCESS_SESSIONS], {}
  for i = 1, #sessions do
    local live = sessions[i]
    if
      live[LIVE_ID] ~= entry[LIVE_ID]
      and live[LIVE_SINCE] < entry[LIVE_SINCE]
      and nas.same_place(
        live,
        entry[LIVE_USER],
        entry[LIVE_NAS],
        entry[LIVE_STATION],
        entry[LIVE_PORT]
      )
    then
      replaced[#replaced + 1] = live[LIVE_ID]
    end
  end
  return replaced
end

-- redirect(session_key, id): the id under which a report without our Class is kept, where that
-- is another than its own; remembered, as the session ends before its last reports come.
local REDIRECT_KEPT_S = 259200

function nas.redirect(session_key, id)
  redis.call('HSET', session_key, 'p', id)
  redis.call('EXPIRE', session_key, REDIRECT_KEPT_S)
  return { REPLY_OTHER_SESSION, id }
end

-- begins_after_all(keys, request, report, track): whether a report is the start of a login whose Class another
-- session went on with until now: its device has come again without a login, which access points allow.
function nas.begins_after_all(keys, request, report, track)
  return report[REPORT_STATUS] == STATUS_START
    and track
    and nas.read_track(track)[TRACK_STATE] == TRACK_PROVISIONAL
    and redis.call('ZSCORE', keys[5], 's:' .. request[REQUEST_SESSION])
end

-- fill_asks(request, report, track, grown, grants): what each service used, and what it is given next:
-- what its line can use in two intervals; on a rung, and in the garden, free and nothing.
function nas.fill_asks(request, report, track, grown, grants)
  local asks, gauges, rates = request[REQUEST_SERVICES], report[REPORT_GAUGES], report[REPORT_RATES]
  local free = track[TRACK_LEVEL] >= LEVEL_LADDER
  for i = 1, #asks do
    local ask = asks[i]
    ask[ASK_USED] = nas.gauge(gauges[i], grown[1], grown[2], grown[3])
    if not grants or free then
      ask[ASK_WANT] = WANT_NOTHING
    elseif rates[gauges[i]] > 0 then
      ask[ASK_WANT] = rates[gauges[i]] * 2 * track[TRACK_INTERIM_S]
    end
    if free then
      ask[ASK_TERMS], ask[ASK_FREE] = report[REPORT_FREE_TERMS][i], true
    end
  end
end

-- results_of(answer): whether a service was given none of the units it wants, and whether all was
-- refused as the account is suspended or closed.
function nas.results_of(answer)
  local _, services = unpack(cmsgpack.unpack(answer))
  local spent, denied = false, false
  for i = 1, #services do
    spent = spent or services[i][ANSWER_RESULT] == RESULT_CREDIT_LIMIT
    denied = denied or services[i][ANSWER_RESULT] == RESULT_SERVICE_DENIED
  end
  return spent, denied
end

-- soon_used(track, report, i, grown): what a service may use until two more reports have come.
function nas.soon_used(track, report, i, grown)
  local rate = report[REPORT_RATES][report[REPORT_GAUGES][i]]
  if rate > 0 then
    return rate * 2 * track[TRACK_INTERIM_S]
  end
  return 2 * nas.gauge(report[REPORT_GAUGES][i], grown[1], grown[2], grown[3])
end

-- is_near(track, report, grown): whether a session comes near a limit that its NAS was told.
function nas.is_near(track, report, grown)
  local limits, gauges = track[TRACK_LIMITS], report[REPORT_GAUGES]
  for i = 1, math.min(#limits, #gauges) do
    local left = limits[i] and limits[i] - nas.counted_by(track, gauges[i])
    if left and left < nas.soon_used(track, report, i, grown) then
      return true
    end
  end
  return false
end

-- look_up(keys, request, report, track, grown, now): whether a session that was steered down could be
-- given units again, and whether the limits that its NAS was told can be lifted by what makes a
-- difference. Both are false where the session is neither down nor near a limit.
function nas.look_up(keys, request, report, track, grown, now)
  local down = track[TRACK_LEVEL] >= LEVEL_LADDER
  if not down and not nas.is_near(track, report, grown) then
    return false, false
  end
  local books = nas.read_books(keys[1], keys[10], request[REQUEST_SHARING])
  if not books then
    return false, false
  end
  local gauges, most = report[REPORT_GAUGES], report[REPORT_SESSIONS_MAX]
  local limits, spent =
    nas.measure_session(books, keys[2], request, gauges, track, grown, most, now)
  local told, wider = track[TRACK_LIMITS], false
  for i = 1, math.min(#told, #limits) do
    local step = math.max(1, math.floor(nas.soon_used(track, report, i, grown) / 2))
    wider = wider or (told[i] and (not limits[i] or limits[i] >= told[i] + step)) or false
  end
  return down and not spent, wider and not spent and not down
end

-- is_expired(report, now): whether what was bought is over.
function nas.is_expired(report, now)
  return report[REPORT_EXPIRES_AT] > 0 and report[REPORT_EXPIRES_AT] <= now
end

-- network_of(session_key, said): where a session is, in the words of its first report; what kind of
-- connection it is the login knew, where the report does not say. Both are JSON without spaces, in which a
-- quote of a text has a backslash in front of it: these words are never in one.
function nas.network_of(session_key, said)
  local from, till = string.find(said, '"connection":null', 1, true)
  local before = from and redis.call('HGET', session_key, 'n')
  local known = before and string.match(before, '"connection":"[^"]*"')
  if not known then
    return said
  end
  return string.sub(said, 1, from - 1) .. known .. string.sub(said, till + 1)
end

-- For how long a NAS may still report a session that it was told to end, and what a burst may carry
-- beyond twice the speed of a rung.
local ACK_MS, SLACK_OCTETS = 5000, 16777216

-- next_level(track, report, level, spent, used, last_at): where a session belongs after a report. A
-- rung of the ladder holds as long as what the NAS says agrees with it: it is slower than before,
-- or has gone. Else the next rung is due.
function nas.next_level(track, report, level, spent, used, last_at)
  local at, ladder = track[TRACK_LEVEL], report[REPORT_LADDER]
  if at == LEVEL_GARDEN then
    return at
  end
  local since = track[TRACK_LEVEL_AT]
  local elapsed = report[REPORT_EVENT_AT] - last_at
  -- is_slower(rate): whether the totals of a whole interval agree with a speed.
  local function is_slower(rate)
    return rate == 0
      or last_at < since
      or elapsed <= 0
      or used <= rate * elapsed / 500 + SLACK_OCTETS
  end
  if at < LEVEL_LADDER then
    if spent then
      return LEVEL_LADDER + 1
    end
    -- The speed of a login is no promise of ours that a NAS could break.
    local promised = at > LEVEL_FULL and at == level and since > track[TRACK_OPENED]
    return promised and not is_slower(nas.step_rate(report, at)) and LEVEL_ANEW or level
  end
  local rung = ladder[at - LEVEL_LADDER]
  if not rung then
    return LEVEL_LADDER + #ladder
  end
  if rung[RUNG_KIND] ~= RUNG_DISCONNECT and not is_slower(rung[RUNG_RATE]) then
    return math.min(at + 1, LEVEL_LADDER + #ladder)
  end
  return at
end

-- step_rate(report, level): what a step of fair use carries in octets a second, 0 where nobody knows.
function nas.step_rate(report, level)
  for _, cap in ipairs(report[REPORT_CAPS]) do
    if cap[FAIR_LEVEL] == level then
      return cap[FAIR_RATE]
    end
  end
  return 0
end

-- ignores_end(track, report): whether a session was told to end, and its NAS goes on with it.
function nas.ignores_end(track, report)
  local rung = report[REPORT_LADDER][track[TRACK_LEVEL] - LEVEL_LADDER]
  return rung ~= nil
    and rung[RUNG_KIND] == RUNG_DISCONNECT
    and report[REPORT_EVENT_AT] > track[TRACK_LEVEL_AT] + ACK_MS
end

local function record_report(keys, request, report, may_grant)
  local session_key, access_key, nas_key = keys[2], keys[6], keys[7]
  local steer_key, tasks_key = keys[8], keys[9]
  forget_owner()
  if not open_partition(keys[3]) then
    return { REPLY_FENCED }
  end
  local asks = request[REQUEST_SERVICES]
  for i = 1, #asks do
    if not open_terms(asks[i][ASK_TERMS]) then
      return { REPLY_TERMS_UNKNOWN }
    end
  end
  local stored = redis.call('HMGET', session_key, 'h', 'r', 'p')
  if stored[3] and not nas.begins_after_all(keys, request, report, stored[2]) then
    redis.call('EXPIRE', session_key, REDIRECT_KEPT_S)
    return { REPLY_OTHER_SESSION, stored[3] }
  end
  local access = nas.read_access(access_key)
  if not access then
    return { REPLY_NEWER_STATE }
  end
  local now = read_time(request[REQUEST_NOW], 0)
  request[REQUEST_NOW] = now
  local id, status = request[REQUEST_SESSION], report[REPORT_STATUS]
  local track = stored[2] and nas.read_track(stored[2])
  local state = stored[1] and cmsgpack.unpack(stored[1])[SESSION_STATE] or SESSION_OPEN
  if not track then
    local _, missing = read_book(keys[1])
    if missing and missing[1] == REPLY_MOVED then
      -- Where the account has gone, its sessions have.
      return missing
    end
    if report[REPORT_HANDLED] or status == STATUS_ENDED then
      return { REPLY_UNKNOWN_SESSION }
    end
    local admitted = nas.find_admitted(access, report)
    if admitted then
      return nas.redirect(session_key, admitted)
    end
    local began = report[REPORT_EVENT_AT] - (report[REPORT_SECONDS] or 0) * 1000
    if status ~= STATUS_START and began < now - report[REPORT_BASELINE_MS] then
      -- Older than what is remembered of sessions: it may have been charged before.
      return { REPLY_UNKNOWN_SESSION }
    end
    track = nas.new_track(report, now)
  elseif track[TRACK_VERSION] > SCHEMA_VERSION then
    return { REPLY_NEWER_STATE }
  end
  local begun = track[TRACK_STATE] == TRACK_PROVISIONAL
  local earlier = begun and nas.find_earlier(access, report, id, track[TRACK_OPENED])
  if earlier then
    return nas.redirect(session_key, earlier)
  end
  if begun and report[REPORT_NETWORK] == true then
    return { REPLY_TERMS_UNKNOWN }
  end
  -- A provisional session that expired was waiting for its start: here it is.
  local over = state ~= SESSION_OPEN and not (begun and state == SESSION_EXPIRED)
  local ended = track[TRACK_STATE] == TRACK_ENDED or over
  if status == STATUS_START and not begun and not report[REPORT_HANDLED] then
    local later = nas.find_later(access, report, id, track[TRACK_OPENED])
    if later and id ~= report[REPORT_KEY] then
      return { REPLY_OTHER_SESSION, later }
    elseif later and ended then
      return nas.redirect(session_key, later)
    elseif ended and report[REPORT_EVENT_AT] > track[TRACK_EVENT_AT] + REUSED_AFTER_MS then
      local anew = string.gsub(id, '#%d+$', '') .. '#' .. string.format('%.0f', now)
      return nas.redirect(session_key, anew)
    end
  end

  local up, down, longer, outcome, epoch = 0, 0, 0, OUTCOME_TAKEN, false
  local last_at = track[TRACK_EVENT_AT]
  if status ~= STATUS_ENDED then
    up, down, longer, outcome, epoch = nas.take_growth(track, report)
  end
  if
    up + down >= AMOUNT_LIMIT
    or track[TRACK_UPLOAD_SUM] + track[TRACK_DOWNLOAD_SUM] >= AMOUNT_LIMIT
  then
    return { REPLY_AMOUNT_RANGE }
  end
  local grew = up + down + longer > 0
  local ends = status == STATUS_STOP or status == STATUS_ENDED
  local news = grew or (ends and not ended) or (begun and not ended)
  if not news and (outcome == OUTCOME_LATE or ended or report[REPORT_EVENT_AT] <= last_at) then
    -- Nothing that was not known: an old report, or the same again.
    local same = outcome == OUTCOME_LATE and OUTCOME_LATE or OUTCOME_REPEATED
    local level, wanted = track[TRACK_LEVEL], track[TRACK_WANTED]
    return { REPLY_DONE, cmsgpack.pack({ same, now, false, level, wanted, {}, false }) }
  end

  local policy, stale_ms = request[REQUEST_POLICY], 0
  stale_ms = track[TRACK_INTERIM_S] * 1000 * report[REPORT_STALE_FACTOR]
  policy[POLICY_SUPERVISION_MS] = stale_ms
  policy[POLICY_UNKNOWN_SESSION] = UNKNOWN_SESSION_RECREATE
  request[REQUEST_NUMBER] = track[TRACK_NUMBER] + 1
  request[REQUEST_PHASE] = (ends or ended) and PHASE_TERMINATE or PHASE_UPDATE
  local lifted, wider, expired = false, false, nas.is_expired(report, now)
  if not ends and not ended and not expired then
    lifted, wider = nas.look_up(keys, request, report, track, { up, down, longer }, now)
  end
  nas.fill_asks(request, report, track, { up, down, longer }, not ends and not ended)
  if ended then
    for _, ask in ipairs(request[REQUEST_SERVICES]) do
      ask[ASK_REASON] = 'late'
    end
  end
  local level = 0
  if status ~= STATUS_ENDED then
    level = nas.count_caps(access, report[REPORT_CAPS], now, up, down)
  end
  -- Reads only: keys of the wrong type must fail before the first write.
  redis.call('ZCARD', nas_key)
  redis.call('ZCARD', keys[5])
  check_steering(steer_key, tasks_key)
  track[TRACK_NUMBER] = request[REQUEST_NUMBER]
  request[REQUEST_TRACK] = { track, #report[REPORT_CAPS] > 0 and access[ACCESS_CAPS] or nil }
  local charged = { keys[1], keys[2], keys[3], keys[4], keys[5], keys[10], steer_key, tasks_key }
  local reply = charge_session(charged, request, may_grant)
  if reply[1] ~= REPLY_DONE then
    return reply
  end

  local spent, replaced = false, {}
  if ends or ended then
    track[TRACK_STATE] = TRACK_ENDED
    nas.take_live(access, id)
    redis.call('ZREM', nas_key, id)
  else
    local entry = {
      id,
      now + stale_ms,
      track[TRACK_OPENED],
      report[REPORT_NAS],
      report[REPORT_KEY],
      report[REPORT_STATION],
      report[REPORT_PORT],
      report[REPORT_USER],
      true,
    }
    track[TRACK_STATE] = TRACK_STARTED
    replaced = begun and nas.replaced_by(access, entry) or {}
    if begun then
      redis.call('ZREMRANGEBYSCORE', nas_key, '-inf', now)
    end
    local denied
    spent, denied = nas.results_of(reply[2])
    local wanted = lifted and level or nas.next_level(track, report, level, spent, up + down, last_at)
    track[TRACK_WANTED] = wanted
    entry[LIVE_BOUND] = nas.is_bound(track)
    nas.drop_dead(access, now)
    local until_ms = nas.put_live(access, entry)
    if begun or not until_ms or nas.is_longer(until_ms, track[TRACK_OPENED], now, stale_ms) then
      nas.count_longer(nas_key, id, now, stale_ms)
    end
    nas.watch_end(keys[5], track[TRACK_ENDS_AT], id)
    -- Who is past the end of what was bought may stay where the login let it in, and nowhere else.
    local overdue = expired and track[TRACK_LEVEL] ~= LEVEL_GARDEN
    local moves = wanted ~= track[TRACK_LEVEL] or wider or overdue
    if denied and may_grant then
      raise_steering(steer_key, tasks_key, 's:' .. id, STEER_ABORT, STEER_STANDING, now, -1)
    elseif moves or nas.ignores_end(track, report) then
      raise_steering(steer_key, tasks_key, 's:' .. id, STEER_REAUTHORISE, STEER_QUOTA, now, -1)
    end
  end
  nas.write_access(access_key, access)
  local fields = { 'r', cmsgpack.pack(track) }
  if begun and report[REPORT_NETWORK] then
    fields[3], fields[4] = 'n', nas.network_of(session_key, report[REPORT_NETWORK])
  end
  write_fields(session_key, fields)
  if stored[3] then
    -- It leads to no other any more, and is kept as any session is.
    redis.call('HDEL', session_key, 'p')
    redis.call('PERSIST', session_key)
  end
  return {
    REPLY_DONE,
    cmsgpack.pack({
      outcome,
      now,
      spent,
      track[TRACK_LEVEL],
      track[TRACK_WANTED],
      replaced,
      epoch,
    }),
  }
end
