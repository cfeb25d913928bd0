--- @include "read_time"
--- @include "open_partition"
--- @include "price_units"
--- @include "open_buckets"
--- @include "list_eligible"
--- @include "plan_walk"
--- @include "settle_usage"
--- @include "change_buckets"
--- @include "grant_units"
--- @include "write_entry"
-- charge_session(keys, request, may_grant): one request of a charging session, from its answer if
-- it was answered before to its answer if it was not. Shared by charge.lua and settle.lua, which
-- differ only in whether they may grant (and so whether Redis runs them when memory is out).

-- pick_window(windows, now): the rate window that is open now, or nil.
local function pick_window(windows, now)
  for i = 1, #windows do
    local window = windows[i]
    if window[WINDOW_FROM] <= now and now < window[WINDOW_UNTIL] then
      return window
    end
  end
  return nil
end

-- new_service(unit): a service of which nothing is known yet.
local function new_service(unit)
  local service = {}
  service[SERVICE_UNIT] = unit
  service[SERVICE_NUMBER] = -1
  service[SERVICE_USED] = 0
  service[SERVICE_COST] = 0
  service[SERVICE_LEGS] = {}
  service[SERVICE_GRANTED] = 0
  service[SERVICE_VALID_UNTIL] = 0
  service[SERVICE_CURRENCY] = false
  service[SERVICE_LINE] = false
  service[SERVICE_PERIOD] = 0
  service[SERVICE_GROSS] = 0
  service[SERVICE_OPENED] = false
  service[SERVICE_TOTALS] = {}
  service[SERVICE_STEPS] = {}
  service[SERVICE_LABEL] = false
  return service
end

-- new_session(request, now): the header of a session that starts with this request.
local function new_session(request, now)
  local header = {}
  header[SESSION_VERSION] = SCHEMA_VERSION
  header[SESSION_STATE] = SESSION_OPEN
  header[SESSION_ACCOUNT] = request[REQUEST_ACCOUNT]
  header[SESSION_OPENED] = now
  header[SESSION_LAST_NUMBER] = -1
  header[SESSION_LAST_SEEN] = now
  header[SESSION_DEADLINE] = 0
  header[SESSION_TIMER] = 0
  header[SESSION_SERVICES] = {}
  header[SESSION_STAMP] = request[REQUEST_STAMP]
  header[SESSION_RETENTION] = request[REQUEST_POLICY][POLICY_RETENTION_MS]
  return header
end

-- usage_event(request, ask, service, window, impacts, cost, uncollected): the record of one report.
local function usage_event(request, ask, service, window, impacts, cost, uncollected)
  return {
    EVENT_USAGE,
    request[REQUEST_SESSION],
    request[REQUEST_NUMBER],
    ask[ASK_KEY],
    ask[ASK_RATING_GROUP],
    ask[ASK_UNIT],
    ask[ASK_USED],
    uncollected,
    cost,
    window and window[WINDOW_CURRENCY] or false,
    window and window[WINDOW_LABEL] or false,
    ask[ASK_REASON],
    impacts,
    service[SERVICE_USED],
    service[SERVICE_COST],
    { service[SERVICE_GROSS], service[SERVICE_OPENED], service[SERVICE_TOTALS], service[SERVICE_STEPS] },
  }
end

-- session_event(request, header, change, cause): the record of a session's beginning or end.
local function session_event(id, header, change, number, cause)
  return { EVENT_SESSION, id, change, number, cause, header[SESSION_OPENED] }
end

-- decode_answer(stored): number, fingerprint and reply of a stored answer.
local function decode_answer(stored)
  local answer = cmsgpack.unpack(stored)
  return answer[1], answer[2], answer[3]
end

-- remember_starved(account, session_id, starved): keeps the sessions that got their last units, so
-- that a credit can name them.
local function remember_starved(account, session_id, starved)
  local list = account[ACCOUNT_STARVED]
  for i = 1, #list do
    if list[i] == session_id then
      if not starved then
        table.remove(list, i)
      end
      return
    end
  end
  if starved then
    list[#list + 1] = session_id
  end
end

-- release_rest(account, key, header, loaded): at the end of a session gives back what the services
-- hold that the last request did not speak of. Returns their fields to write.
local function release_rest(account, key, header, loaded)
  local services, missing = header[SESSION_SERVICES], {}
  for i = 1, #services do
    if not loaded[services[i]] then
      missing[#missing + 1] = services[i]
    end
  end
  for i = 1, #missing do
    local field = 's:' .. missing[i]
    local service = cmsgpack.unpack(redis.call('HGET', key, field))
    release_legs(account, service)
    loaded[missing[i]] = service
  end
end

-- arm_timer(header): the score to give the session's timer, or nil where the one that stands will
-- do: the sweeper looks again when a session turns out to live longer than its timer said, so most
-- requests leave the timer alone.
local function arm_timer(header)
  local timer, deadline = header[SESSION_TIMER], header[SESSION_DEADLINE]
  if timer == 0 or deadline < timer then
    header[SESSION_TIMER] = deadline
    return deadline
  end
  return nil
end

local function charge_session(keys, request, may_grant)
  local account_key, session_key = keys[1], keys[2]
  local policy, asks = request[REQUEST_POLICY], request[REQUEST_SERVICES]
  local number, phase = request[REQUEST_NUMBER], request[REQUEST_PHASE]
  local session_id = request[REQUEST_SESSION]
  local epoch = open_partition(keys[3])
  if not epoch then
    return { REPLY_FENCED }
  end

  -- Read: the session's header, the answer slot of this number, the services spoken of.
  local slot = 'a' .. number % ANSWER_WINDOW
  local fields = { 'h', slot }
  for i = 1, #asks do
    fields[i + 2] = 's:' .. asks[i][ASK_KEY]
  end
  local stored = redis.call('HMGET', session_key, unpack(fields))
  local header = stored[1] and cmsgpack.unpack(stored[1]) or nil
  local behind = false
  if header then
    if header[SESSION_VERSION] > SCHEMA_VERSION then
      return { REPLY_NEWER_STATE }
    end
    local last = header[SESSION_LAST_NUMBER]
    if number <= last then
      if number <= last - ANSWER_WINDOW then
        return { REPLY_STALE_NUMBER }
      end
      if stored[2] then
        local answered, fingerprint, answer = decode_answer(stored[2])
        if answered == number then
          if fingerprint == request[REQUEST_FINGERPRINT] then
            return { REPLY_REPEATED, answer }
          end
          return { REPLY_CONFLICT }
        end
      end
      behind = true
    end
    if header[SESSION_ACCOUNT] ~= request[REQUEST_ACCOUNT] then
      return { REPLY_OTHER_ACCOUNT, header[SESSION_ACCOUNT] }
    end
  elseif
    phase ~= PHASE_INITIAL
    and phase ~= PHASE_EVENT
    and policy[POLICY_UNKNOWN_SESSION] == UNKNOWN_SESSION_REJECT
  then
    return { REPLY_UNKNOWN_SESSION }
  end

  local packed = redis.call('GET', account_key)
  if not packed then
    return { REPLY_UNKNOWN_ACCOUNT }
  end
  local account = cmsgpack.unpack(packed)
  if account[ACCOUNT_VERSION] > SCHEMA_VERSION then
    return { REPLY_NEWER_STATE }
  end
  if account[ACCOUNT_PROFILE] ~= request[REQUEST_PROFILE] then
    return { REPLY_STALE_PROFILE }
  end
  local standing = account[ACCOUNT_STANDING]
  if standing ~= STANDING_ACTIVE and (phase == PHASE_INITIAL or phase == PHASE_EVENT) then
    return { REPLY_SERVICE_DENIED }
  end

  -- Decide, in local tables.
  local now = read_time(request[REQUEST_NOW], account[ACCOUNT_LAST_SEEN])
  local events, changed = {}, false
  local next_before = account[ACCOUNT_NEXT_CHANGE]
  if next_before > 0 and next_before <= now then
    turn_buckets(account, events, now)
    changed = true
  end
  local reopened = header and header[SESSION_STATE] == SESSION_EXPIRED and phase == PHASE_UPDATE
  if not header then
    header = new_session(request, now)
    if phase ~= PHASE_EVENT then
      events[#events + 1] = session_event(session_id, header, CHANGE_OPENED, number, false)
    end
  elseif reopened and policy[POLICY_UNKNOWN_SESSION] == UNKNOWN_SESSION_RECREATE and not behind then
    header[SESSION_STATE] = SESSION_OPEN
    events[#events + 1] = session_event(session_id, header, CHANGE_OPENED, number, 'reopened')
  end
  local open = header[SESSION_STATE] == SESSION_OPEN
  local ends = phase == PHASE_TERMINATE
  local loaded, answers, supervision = {}, {}, policy[POLICY_SUPERVISION_MS]
  local starved, refused = false, false

  for i = 1, #asks do
    local ask = asks[i]
    local key = ask[ASK_KEY]
    local service = loaded[key]
    if not service then
      service = stored[i + 2] and cmsgpack.unpack(stored[i + 2]) or new_service(ask[ASK_UNIT])
      if not stored[i + 2] then
        local services = header[SESSION_SERVICES]
        services[#services + 1] = key
      end
      loaded[key] = service
    end
    local window = pick_window(ask[ASK_WINDOWS], now)
    local newest = number > service[SERVICE_NUMBER]
    local result, granted, validity, last = RESULT_SETTLED, 0, 0, 0
    if phase == PHASE_EVENT then
      local list = list_eligible(account, ask, window, now)
      if capacity_of(list, account, service, window, ask[ASK_USED]) < ask[ASK_USED] then
        refused = true
        break
      end
    end
    if ask[ASK_USED] > 0 then
      local legs, grant = service[SERVICE_LEGS], service[SERVICE_GRANTED]
      if not newest then
        -- A report that was overtaken: the reservation belongs to a later request and stays.
        service[SERVICE_LEGS] = {}
      end
      local impacts, cost, uncollected, priced =
        settle_usage(account, service, ask, window, now, policy)
      if not newest then
        service[SERVICE_LEGS], service[SERVICE_GRANTED] = legs, grant
      end
      events[#events + 1] =
        usage_event(request, ask, service, priced, impacts, cost, uncollected)
      changed = true
    elseif newest and #service[SERVICE_LEGS] > 0 then
      release_legs(account, service)
      changed = true
    end
    local want = ask[ASK_WANT]
    if want ~= WANT_NOTHING then
      if (behind and not newest) or not open or ends then
        result = RESULT_SUPERSEDED
      elseif standing ~= STANDING_ACTIVE or not may_grant then
        result = RESULT_SERVICE_DENIED
      elseif not window and #ask[ASK_WINDOWS] > 0 then
        result = RESULT_RATING_FAILED
      elseif window and window[WINDOW_KIND] == WINDOW_NOT_CHARGEABLE then
        result = RESULT_NOT_CHARGEABLE
      else
        granted, validity, last =
          grant_units(account, service, ask, window, now, policy, events)
        changed = true
        if granted > 0 then
          result = RESULT_GRANTED
          if 2000 * validity > supervision then
            supervision = 2000 * validity
          end
        else
          result = RESULT_CREDIT_LIMIT
        end
        starved = starved or last == 1 or granted == 0
      end
    end
    if newest then
      service[SERVICE_NUMBER] = number
    end
    answers[i] = {
      key,
      result,
      granted,
      validity,
      last,
      service[SERVICE_COST],
      service[SERVICE_CURRENCY],
    }
  end
  if refused then
    -- An event is served whole or not at all; the refusal is kept as its answer.
    account, events, changed, loaded = cmsgpack.unpack(packed), {}, false, {}
    header[SESSION_SERVICES] = {}
    for i = 1, #asks do
      answers[i] = { asks[i][ASK_KEY], RESULT_CREDIT_LIMIT, 0, 0, 0, 0, false }
    end
  end

  if phase == PHASE_EVENT then
    header[SESSION_STATE] = SESSION_CLOSED
  elseif ends and open then
    release_rest(account, session_key, header, loaded)
    changed = true
    header[SESSION_STATE] = SESSION_CLOSED
    events[#events + 1] =
      session_event(session_id, header, CHANGE_CLOSED, number, request[REQUEST_CAUSE])
    remember_starved(account, session_id, false)
  elseif changed and open then
    remember_starved(account, session_id, starved)
  end
  -- Units given back to a bucket that has ended meanwhile expire at once.
  if changed then
    turn_ended(account, events, now)
  end
  if number > header[SESSION_LAST_NUMBER] then
    header[SESSION_LAST_NUMBER] = number
  end
  header[SESSION_LAST_SEEN] = now
  if header[SESSION_STATE] == SESSION_OPEN then
    header[SESSION_DEADLINE] = now + supervision
  else
    header[SESSION_DEADLINE] = now + header[SESSION_RETENTION]
  end
  local timer = arm_timer(header)
  local account_timer = account[ACCOUNT_NEXT_CHANGE] ~= next_before and account[ACCOUNT_NEXT_CHANGE]
  if timer or account_timer then
    -- A read only: a key of the wrong type must fail before the first write.
    redis.call('ZCARD', keys[5])
  end

  -- Write.
  write_entry(keys[4], epoch, now, request[REQUEST_STAMP], account, events)
  if changed or #events > 0 then
    account[ACCOUNT_LAST_SEEN] = now
    redis.call('SET', account_key, pack_account(account))
  end
  local answer = cmsgpack.pack({ now, answers })
  local writes = {
    'h',
    cmsgpack.pack(header),
    slot,
    cmsgpack.pack({ number, request[REQUEST_FINGERPRINT], answer }),
  }
  for key, service in pairs(loaded) do
    writes[#writes + 1] = 's:' .. key
    writes[#writes + 1] = cmsgpack.pack(service)
  end
  redis.call('HSET', session_key, unpack(writes))
  if timer then
    redis.call('ZADD', keys[5], timer, 's:' .. session_id)
  end
  if account_timer and account_timer > 0 then
    redis.call('ZADD', keys[5], account_timer, 'a:' .. account[ACCOUNT_ID])
  end
  return { REPLY_DONE, answer }
end
