--- @include "read_time"
--- @include "open_partition"
--- @include "open_terms"
--- @include "price_units"
--- @include "open_buckets"
--- @include "list_eligible"
--- @include "plan_walk"
--- @include "change_buckets"
--- @include "settle_usage"
--- @include "grant_units"
--- @include "check_thresholds"
--- @include "write_entry"
--- @include "arm_account"
--- @include "write_fields"
--- @include "read_book"
--- @include "remember"
--- @include "name_starved"
-- charge_session(keys, request, may_grant, read, fields): one request of a charging session, from its answer if
-- it was answered before to its answer if it was not. Shared by charge.lua and settle.lua, which
-- differ only in whether they may grant (and so whether Redis runs them when memory is out). keys are
-- those of charge.lua; the keys of steering may be left out until they are asked for, and false
-- stands for them where nobody is to be told of units that become free. A caller that has read the
-- accounts gives them (its own, the owner's), and flat pairs of fields to be written with the session's.

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
  service[SERVICE_COST] = 0
  service[SERVICE_WINDOW] = false
  service[SERVICE_NEXT] = false
  service[SERVICE_GROSS] = 0
  service[SERVICE_OPENED] = false
  service[SERVICE_TOTALS] = {}
  service[SERVICE_STEPS] = {}
  service[SERVICE_NUMBER] = -1
  service[SERVICE_USED] = 0
  service[SERVICE_GRANTED] = 0
  service[SERVICE_VALID_UNTIL] = 0
  service[SERVICE_LEGS] = {}
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
  header[SESSION_RETENTION] = request[REQUEST_POLICY][POLICY_RETENTION_MS]
  header[SESSION_OWNER] = false
  header[SESSION_STARVED] = {}
  header[SESSION_SERVICES] = {}
  return header
end

-- usage_event(request, ask, service, used, part, result): the record of one part of a report.
local function usage_event(request, ask, service, used, part, result)
  local window, network = part[2], request[REQUEST_TRACK]
  local carry = {
    service[SERVICE_GROSS],
    service[SERVICE_OPENED],
    service[SERVICE_TOTALS],
    service[SERVICE_STEPS],
    result[4],
  }
  if network then
    carry[5] = result[4] or false
    carry[6] = network[1]
    carry[7] = network[2]
  end
  return {
    EVENT_USAGE,
    request[REQUEST_SESSION],
    request[REQUEST_NUMBER],
    ask[ASK_KEY],
    ask[ASK_TERMS][TERMS_RATING_GROUP],
    ask[ASK_TERMS][TERMS_UNIT],
    used,
    part[1],
    result[3],
    window and window[WINDOW_CURRENCY] or false,
    window and window[WINDOW_LABEL] or false,
    ask[ASK_REASON],
    result[1],
    service[SERVICE_USED],
    service[SERVICE_COST],
    carry,
  }
end

-- shared_usage_event(request, ask, impacts): what the owner of a sharing group paid for a member.
local function shared_usage_event(request, ask, impacts)
  return {
    EVENT_SHARED_USAGE,
    request[REQUEST_ACCOUNT],
    request[REQUEST_SESSION],
    request[REQUEST_NUMBER],
    ask[ASK_KEY],
    impacts,
  }
end

-- parts_of(service, ask, window): the parts of a report: what was used under the tariff of the
-- reservation (or of now, where there was none), and what after its change.
local function parts_of(service, ask, window)
  local parts = {}
  local before = open_window(service[SERVICE_WINDOW]) or window
  if ask[ASK_USED] > 0 then
    parts[1] = { ask[ASK_USED], before }
  end
  if ask[ASK_USED_AFTER] > 0 then
    parts[#parts + 1] = { ask[ASK_USED_AFTER], open_window(service[SERVICE_NEXT]) or window or before }
  end
  return parts
end

-- session_event(request, header, change, cause): the record of a session's beginning or end.
local function session_event(id, header, change, number, cause)
  return { EVENT_SESSION, id, change, number, cause, header[SESSION_OPENED] }
end

-- decode_answer(stored): number and fingerprint of a stored answer; without a fingerprint for what
-- recovery brought back: nobody knows any more what was asked.
local function decode_answer(stored)
  local answer = cmsgpack.unpack(stored)
  return answer[1], answer[2]
end

-- release_all(books, key, header, loaded): at the end of a session gives back what its services
-- still hold, those that the last request did not speak of and those that a later one had, and
-- adds the former to the loaded ones.
local function release_all(books, key, header, loaded)
  local services = header[SESSION_SERVICES]
  for i = 1, #services do
    local name = services[i]
    if not loaded[name] then
      loaded[name] = cmsgpack.unpack(redis.call('HGET', key, 's:' .. name))
    end
    release_legs(books, loaded[name])
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

-- holds_of_owner(service): whether a service holds units of the sharing owner.
local function holds_of_owner(service)
  local legs = service[SERVICE_LEGS]
  for i = 1, #legs, LEG_WIDTH do
    if is_of_owner(legs[i]) then
      return true
    end
  end
  return false
end

-- keep_owner(header, sharing, loaded, session_key): remembers the sharing owner while a service of the
-- session holds units of his, or waits for some: they go back to him whoever ends the session, and
-- whether or not the member still belongs to the group by then.
local function keep_owner(header, sharing, loaded, session_key)
  if not sharing then
    return
  end
  local names = header[SESSION_SERVICES]
  local needed = #header[SESSION_STARVED] > 0 and header[SESSION_STATE] == SESSION_OPEN
  for _, service in pairs(loaded) do
    needed = needed or holds_of_owner(service)
  end
  for i = 1, not needed and header[SESSION_OWNER] and #names or 0 do
    -- A service that was not spoken of keeps what it held.
    if not needed and not loaded[names[i]] then
      needed = holds_of_owner(cmsgpack.unpack(redis.call('HGET', session_key, 's:' .. names[i])))
    end
  end
  header[SESSION_OWNER] = needed and sharing[SHARING_OWNER]
end

-- deadline_of(header, loaded, now, least): when an open session has been silent for too long: twice
-- the longest validity granted, at least `least`. Services that this request did not speak of keep
-- the deadline that stands. [RFC 8506 13: Tcc]
local function deadline_of(header, loaded, now, least)
  local deadline, count = now + least, 0
  for _, service in pairs(loaded) do
    count = count + 1
    local valid = 2 * service[SERVICE_VALID_UNTIL] - now
    if valid > deadline then
      deadline = valid
    end
  end
  if count < #header[SESSION_SERVICES] and header[SESSION_DEADLINE] > deadline then
    return header[SESSION_DEADLINE]
  end
  return deadline
end

-- turn_due(books, events, now): ends and starts the buckets whose time has come. Returns whether
-- anything came of it: one that was used up has nothing left to end.
local function turn_due(books, events, now)
  local turned = false
  for b = 1, #books do
    local due = books[b][ACCOUNT_NEXT_CHANGE]
    if due > 0 and due <= now then
      local before = #events[b]
      turn_buckets(books[b], events[b], now)
      turned = turned or #events[b] > before
    end
  end
  return turned
end

-- windows_of(service): the windows that price a service's reservation, as one name.
local function windows_of(service)
  return (service[SERVICE_WINDOW] or '') .. ':' .. (service[SERVICE_NEXT] or '')
end

-- load_services(asks, stored, header, session_key): the services that a request speaks of, by their
-- keys, and the windows that are stored with them; the header gets to know those that are new. One
-- that costs nothing any more forgets the price of its reservation.
local function load_services(asks, stored, header, session_key)
  local loaded, known, priced = {}, header[SESSION_SERVICES], {}
  for i = 1, #asks do
    local key = asks[i][ASK_KEY]
    if stored[i + 2] then
      loaded[key] = cmsgpack.unpack(stored[i + 2])
      read_windows(session_key, key, loaded[key])
    else
      loaded[key] = new_service(asks[i][ASK_TERMS][TERMS_UNIT])
      remember(known, key, true)
    end
    priced[key] = windows_of(loaded[key])
    if asks[i][ASK_FREE] then
      loaded[key][SERVICE_WINDOW], loaded[key][SERVICE_NEXT] = false, false
    end
  end
  return loaded, priced
end

-- has_rate(ask, window): whether a service has a price now, or needs none.
local function has_rate(ask, window)
  return window ~= nil or #ask[ASK_TERMS][TERMS_WINDOWS] == 0
end

-- refund_taker(list, priced, units): the bucket that a refund goes to: the first in consumption order that
-- may have paid. An allowance of which less is gone has not; where nothing has a price, the first
-- allowance takes it all the same. nil for none.
local function refund_taker(list, priced, units)
  local n, first = 1, nil
  local bucket = nth_eligible(list, n)
  while bucket do
    local gone = bucket[BUCKET_GRANTED] - bucket[BUCKET_REMAINING]
    if bucket[BUCKET_KIND] == KIND_MONEY or gone >= units then
      return bucket
    end
    first = first or bucket
    n = n + 1
    bucket = nth_eligible(list, n)
  end
  return not priced and first or nil
end

-- refund_service(books, events, request, ask, service, window, now): gives back what an earlier event
-- took: the units to the allowance that paid them, or their price to money; a sharing owner's among
-- them. Returns whether it could be given. [RFC 8506 6.4]
local function refund_service(books, events, request, ask, service, window, now)
  if window and window[WINDOW_KIND] ~= WINDOW_CHARGED then
    return true
  end
  local list = list_eligible(books, ask[ASK_TERMS], window, now, request[REQUEST_SHARING])
  local amount = ask[ASK_USED]
  local bucket = refund_taker(list, window ~= nil, amount)
  if not bucket then
    return false
  end
  if window and bucket[BUCKET_KIND] == KIND_MONEY then
    if ask[ASK_USED] > window[WINDOW_LINE][LINE_UNITS_MAX] then
      return false
    end
    amount = charge_units(window[WINDOW_LINE], read_meter(books[1], service, window), ask[ASK_USED])
  end
  if bucket[BUCKET_REMAINING] + amount - math.min(bucket[BUCKET_FLOOR], 0) >= AMOUNT_LIMIT then
    return false
  end
  bucket[BUCKET_REMAINING] = bucket[BUCKET_REMAINING] + amount
  local taker = owned_by_owner[bucket] and events[2] or events[1]
  taker[#taker + 1] = {
    EVENT_LEDGER,
    LEDGER_REFUND,
    0,
    false,
    request[REQUEST_SESSION],
    { { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], amount, bucket[BUCKET_REMAINING], 0 } },
    false,
  }
  return true
end

-- settle_service(books, events, request, ask, service, window, now): takes one service's report, or
-- ends its reservation where it reports nothing. Returns whether balances moved, and the units that
-- nothing covered.
local function settle_service(books, events, request, ask, service, window, now)
  -- A one-time event has nothing to do with what a session of its name holds.
  local newest = request[REQUEST_PHASE] ~= PHASE_EVENT
    and request[REQUEST_NUMBER] > service[SERVICE_NUMBER]
  local parts = parts_of(service, ask, window)
  if #parts == 0 then
    if newest and #service[SERVICE_LEGS] > 0 then
      release_legs(books, service)
      return true, 0
    end
    return false, 0
  end
  local legs, grant = service[SERVICE_LEGS], service[SERVICE_GRANTED]
  if not newest then
    -- A report that was overtaken: the reservation belongs to a later request and stays.
    service[SERVICE_LEGS] = {}
  end
  local used = { parts[1][1], parts[2] and parts[2][1] }
  local results, walks = settle_usage(books, events, service, ask, parts, now, request)
  if not newest then
    service[SERVICE_LEGS], service[SERVICE_GRANTED] = legs, grant
  end
  for p = 1, #parts do
    local own, shared = events[1], events[2]
    own[#own + 1] = usage_event(request, ask, service, used[p], parts[p], results[p])
    if #results[p][2] > 0 then
      shared[#shared + 1] = shared_usage_event(request, ask, results[p][2])
    end
  end
  for w = 1, #walks do
    for b = 1, #books do
      retire_exhausted(books[b], events[b], walks[w], now)
    end
  end
  return true, parts[1][1] + (parts[2] and parts[2][1] or 0)
end

-- settling_order(asks, loaded): places of the asks in the order in which their reports are taken: as
-- they came, but services of a pool that used more than they were granted behind those that give
-- something back. [RFC 8506 5.1.2]
local function settling_order(asks, loaded)
  local order, over = {}, {}
  for i = 1, #asks do
    local ask = asks[i]
    local granted = loaded[ask[ASK_KEY]][SERVICE_GRANTED]
    if ask[ASK_POOLED] and ask[ASK_USED] + ask[ASK_USED_AFTER] > granted then
      over[#over + 1] = i
    else
      order[#order + 1] = i
    end
  end
  for i = 1, #over do
    order[#order + 1] = over[i]
  end
  return order
end

local function charge_session(keys, request, may_grant, read, fields)
  forget_owner()
  forget_opened()
  local session_key, sharing = keys[2], request[REQUEST_SHARING]
  local policy, asks = request[REQUEST_POLICY], request[REQUEST_SERVICES]
  local number, phase = request[REQUEST_NUMBER], request[REQUEST_PHASE]
  local session_id = request[REQUEST_SESSION]
  local entry_id = open_partition(keys[3])
  if not entry_id then
    return { REPLY_FENCED }
  end

  -- Read: the session's header, the answer slot of this number, the services spoken of.
  local slot = 'a' .. number % ANSWER_WINDOW
  local names = { 'h', slot }
  for i = 1, #asks do
    names[i + 2] = 's:' .. asks[i][ASK_KEY]
    asks[i][ASK_TERMS] = open_terms(asks[i][ASK_TERMS])
    if not asks[i][ASK_TERMS] then
      return { REPLY_TERMS_UNKNOWN }
    end
  end
  local stored = redis.call('HMGET', session_key, unpack(names))
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
        local answered, fingerprint = decode_answer(stored[2])
        if answered == number then
          if not fingerprint or fingerprint == request[REQUEST_FINGERPRINT] then
            return { REPLY_REPEATED, stored[2] }
          end
          return { REPLY_CONFLICT }
        end
      end
      behind = true
    end
    if header[SESSION_ACCOUNT] ~= request[REQUEST_ACCOUNT] then
      return { REPLY_OTHER_ACCOUNT, header[SESSION_ACCOUNT] }
    end
    local holder = header[SESSION_OWNER]
    if holder and (not sharing or sharing[SHARING_OWNER] ~= holder) then
      -- The member has left the group, and still holds units of its owner.
      return { REPLY_OWNER_NEEDED, holder }
    end
  elseif
    phase ~= PHASE_INITIAL
    and phase ~= PHASE_EVENT
    and policy[POLICY_UNKNOWN_SESSION] == UNKNOWN_SESSION_REJECT
  then
    -- Where the account has gone, its sessions have.
    local _, elsewhere = read_book(keys[1])
    return elsewhere or { REPLY_UNKNOWN_SESSION }
  end

  local account, missing
  if read then
    account = read[1]
  else
    account, missing = read_book(keys[1])
  end
  if not account then
    return missing
  end
  if account[ACCOUNT_PROFILE] ~= request[REQUEST_PROFILE] then
    return { REPLY_STALE_PROFILE }
  end
  local books, events = { account }, { {} }
  local standing = account[ACCOUNT_STANDING]
  local active = standing == STANDING_ACTIVE
  if sharing then
    local owner, absent
    if read then
      owner = read[2]
    else
      owner, absent = read_book(keys[6])
    end
    if not owner then
      -- An owner that has gone says nothing of where the member is.
      return absent[1] == REPLY_MOVED and { REPLY_UNKNOWN_ACCOUNT } or absent
    end
    mark_owner(owner)
    if owner[ACCOUNT_STANDING] ~= STANDING_ACTIVE then
      -- A suspended owner pays for nothing new; what is reserved there is still settled.
      sharing[SHARING_RESOURCES] = {}
    end
    books[2], events[2] = owner, {}
  end
  if not active and (phase == PHASE_INITIAL or phase == PHASE_EVENT) then
    return { standing == STANDING_CLOSED and REPLY_AUTHORIZATION_REJECTED or REPLY_SERVICE_DENIED }
  end

  -- Decide, in local tables.
  local last_seen = account[ACCOUNT_LAST_SEEN]
  if books[2] and books[2][ACCOUNT_LAST_SEEN] > last_seen then
    last_seen = books[2][ACCOUNT_LAST_SEEN]
  end
  local now, timers_before = read_time(request[REQUEST_NOW], last_seen), {}
  for b = 1, #books do
    timers_before[b] = books[b][ACCOUNT_NEXT_CHANGE]
  end
  local changed, own = turn_due(books, events, now), events[1]
  local refund = phase == PHASE_EVENT and request[REQUEST_ACTION] == ACTION_REFUND
  -- A session that begins gives nothing back.
  local noted, named = nil, {}
  if (header or refund) and keys[7] ~= false then
    noted = note_free(books, session_id)
  end
  if noted and not keys[7] then
    return { REPLY_STEERING_NEEDED }
  end
  local reopened = header
    and header[SESSION_STATE] == SESSION_EXPIRED
    and phase == PHASE_UPDATE
    and policy[POLICY_UNKNOWN_SESSION] == UNKNOWN_SESSION_RECREATE
    and not behind
  local created = not header
  if created then
    header = new_session(request, now)
    if phase ~= PHASE_EVENT then
      own[#own + 1] = session_event(session_id, header, CHANGE_OPENED, number, false)
    end
  elseif reopened then
    header[SESSION_STATE] = SESSION_OPEN
    own[#own + 1] = session_event(session_id, header, CHANGE_OPENED, number, 'reopened')
  end
  local open, ends = header[SESSION_STATE] == SESSION_OPEN, phase == PHASE_TERMINATE
  local loaded, priced = load_services(asks, stored, header, session_key)
  local windows, answers = {}, {}
  for i = 1, #asks do
    local ask = asks[i]
    windows[i] = pick_window(ask[ASK_TERMS][TERMS_WINDOWS], now)
    local used = loaded[ask[ASK_KEY]][SERVICE_USED] + ask[ASK_USED] + ask[ASK_USED_AFTER]
    if used >= AMOUNT_LIMIT then
      return { REPLY_AMOUNT_RANGE }
    end
  end

  -- All reports before all grants: what one service gives back another may be granted.
  local refused, whole = {}, true
  for _, i in ipairs(settling_order(asks, loaded)) do
    local ask, window = asks[i], windows[i]
    local service = loaded[ask[ASK_KEY]]
    if refund then
      refused[i] = not refund_service(books, events, request, ask, service, window, now)
      changed = changed or not refused[i]
    else
      local moved, uncollected = settle_service(books, events, request, ask, service, window, now)
      changed = changed or moved
      if phase == PHASE_EVENT and (uncollected > 0 or not has_rate(ask, window)) then
        whole = false
      end
    end
  end
  if not whole then
    -- A one-time event is whole or not at all: back to what is stored, as if it had not been tried.
    for b = 1, #books do
      books[b], events[b] = read_book(b == 1 and keys[1] or keys[6]), {}
    end
    changed, own = turn_due(books, events, now), events[1]
    loaded, priced = load_services(asks, stored, header, session_key)
    for i = 1, #asks do
      refused[i] = true
    end
  end

  local starved, session = header[SESSION_STARVED], { session_key, header, loaded }
  for i = 1, #asks do
    local ask = asks[i]
    local service, window = loaded[ask[ASK_KEY]], windows[i]
    local newest = number > service[SERVICE_NUMBER]
    local result, granted, validity, last, change_at = RESULT_SETTLED, 0, 0, 0, 0
    if refused[i] then
      result = has_rate(ask, window) and RESULT_CREDIT_LIMIT or RESULT_RATING_FAILED
    elseif ask[ASK_WANT] > 0 then
      if (behind and not newest) or not open or ends then
        result = RESULT_SUPERSEDED
      elseif standing == STANDING_CLOSED then
        result = RESULT_AUTHORIZATION_REJECTED
      elseif not active or not may_grant then
        result = RESULT_SERVICE_DENIED
      elseif not has_rate(ask, window) then
        result = RESULT_RATING_FAILED
      elseif window and window[WINDOW_KIND] == WINDOW_NOT_CHARGEABLE then
        result = RESULT_NOT_CHARGEABLE
      else
        granted, validity, last, change_at =
          grant_units(books, events, session, service, ask, window, now, request)
        changed = true
        result = granted > 0 and RESULT_GRANTED or RESULT_CREDIT_LIMIT
        remember(starved, ask[ASK_KEY], last > 0)
      end
    end
    if newest then
      service[SERVICE_NUMBER] = number
    end
    local rate = open_window(service[SERVICE_WINDOW]) or window
    answers[i] = {
      ask[ASK_KEY],
      result,
      granted,
      validity,
      last,
      service[SERVICE_COST],
      rate and rate[WINDOW_CURRENCY] or false,
      change_at,
    }
  end

  if created and phase == PHASE_EVENT then
    header[SESSION_STATE] = SESSION_CLOSED
  elseif ends and open then
    release_all(books, session_key, header, loaded)
    changed = true
    header[SESSION_STATE] = SESSION_CLOSED
    own[#own + 1] =
      session_event(session_id, header, CHANGE_CLOSED, number, request[REQUEST_CAUSE])
  end
  if changed and phase ~= PHASE_EVENT then
    local starves = #starved > 0 and header[SESSION_STATE] == SESSION_OPEN
    for b = 1, #books do
      remember(books[b][ACCOUNT_STARVED], session_id, starves)
    end
  end
  if changed then
    if noted then
      named = take_starved(books, noted, session_id, now)
    end
    for b = 1, #books do
      -- Units given back to a bucket that has ended meanwhile expire at once.
      turn_ended(books[b], events[b], now)
      check_thresholds(books[b], events[b], refund)
    end
  end
  if #named > 0 then
    check_steering(keys[7], keys[8])
  end
  if number > header[SESSION_LAST_NUMBER] then
    header[SESSION_LAST_NUMBER] = number
  end
  keep_owner(header, sharing, loaded, session_key)
  header[SESSION_LAST_SEEN] = now
  if header[SESSION_STATE] == SESSION_OPEN then
    header[SESSION_DEADLINE] = deadline_of(header, loaded, now, policy[POLICY_SUPERVISION_MS])
  else
    header[SESSION_DEADLINE] = now + header[SESSION_RETENTION]
  end
  local timer = arm_timer(header)
  local timers_move = timer ~= nil
  for b = 1, #books do
    timers_move = timers_move or books[b][ACCOUNT_NEXT_CHANGE] ~= timers_before[b]
  end
  if timers_move then
    -- A read only: a timer key of the wrong type must fail before the first write.
    redis.call('ZCARD', keys[5])
  end

  -- Write.
  write_entry(keys[4], entry_id, now, request[REQUEST_STAMP], books, events)
  if changed or #own > 0 then
    for b = 1, #books do
      books[b][ACCOUNT_LAST_SEEN] = now
      redis.call('SET', b == 1 and keys[1] or keys[6], pack_account(books[b]))
      arm_account(keys[5], books[b], timers_before[b])
    end
  end
  local answer = cmsgpack.pack({ now, answers, is_low(books[1]) or nil })
  local writes, fingerprint = fields or {}, request[REQUEST_FINGERPRINT]
  writes[#writes + 1], writes[#writes + 2] = 'h', cmsgpack.pack(header)
  if fingerprint then
    answer = cmsgpack.pack({ number, fingerprint, answer })
    writes[#writes + 1], writes[#writes + 2] = slot, answer
  end
  if not stored[1] then
    writes[#writes + 1], writes[#writes + 2] = 'm', request[REQUEST_STAMP]
  end
  for key, service in pairs(loaded) do
    writes[#writes + 1] = 's:' .. key
    writes[#writes + 1] = cmsgpack.pack(service)
    if priced[key] and priced[key] ~= windows_of(service) then
      writes[#writes + 1] = 'w:' .. key
      writes[#writes + 1] = pack_windows(service)
    end
  end
  write_fields(session_key, writes)
  if timer then
    redis.call('ZADD', keys[5], time_text(timer), 's:' .. session_id)
  end
  raise_starved(keys[7], keys[8], named, refund and STEER_CREDIT or STEER_RELEASE, now)
  return { REPLY_DONE, answer }
end
