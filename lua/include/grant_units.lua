-- Granting: reserve what is asked for, as far as the buckets go.

-- held_in(session): what all services of a session hold, by the session's names of the buckets. A
-- session is { key, header, services of the request by their keys }.
local function held_in(session)
  local key, names, loaded, held = session[1], session[2][SESSION_SERVICES], session[3], {}
  for i = 1, #names do
    local service = loaded[names[i]]
      or cmsgpack.unpack(redis.call('HGET', key, 's:' .. names[i]))
    local legs = service[SERVICE_LEGS]
    for k = 1, #legs, LEG_WIDTH do
      held[legs[k]] = (held[legs[k]] or 0) + legs[k + 1]
    end
  end
  return held
end

-- others_hold(list, session): whether another session has reserved something of a bucket of a list
-- that was walked to its end: its units may come back.
local function others_hold(list, session)
  local n, held = 1, nil
  local bucket = nth_eligible(list, n)
  while bucket do
    if bucket[BUCKET_RESERVED] > 0 then
      held = held or held_in(session)
      if bucket[BUCKET_RESERVED] > (held[held_name(bucket)] or 0) then
        return true
      end
    end
    n = n + 1
    bucket = nth_eligible(list, n)
  end
  return false
end

-- size_grant(list, account, service, window, ask): how much of what is asked for to give. Near
-- exhaustion a share of what is left, not below the minimum, so that several sessions make
-- progress; down to the last unit, since the minimum is given as far as it is there.
local function size_grant(list, account, service, window, ask)
  local terms, size = ask[ASK_TERMS], ask[ASK_WANT]
  if size > terms[TERMS_MAXIMUM] then
    size = terms[TERMS_MAXIMUM]
  end
  local share = terms[TERMS_SHARE_PERCENT]
  if share < 100 then
    local plenty = math.ceil(size * 100 / share)
    local left = capacity_of(list, account, service, window, plenty)
    if left < plenty then
      local part = math.floor(left * share / 100)
      if part < terms[TERMS_MINIMUM] then
        part = terms[TERMS_MINIMUM]
      end
      if part < size then
        size = part
      end
    end
  end
  return size
end

-- validity_of(walk, seconds, now, grace): whole seconds the grant stands: the quota's, but never past
-- the end of a bucket it draws on by more than the grace, and never 0. An armed bucket is about to
-- start.
local function validity_of(walk, seconds, now, grace)
  local validity = seconds
  for i = 1, #walk, 3 do
    local bucket = walk[i]
    local ends = bucket[BUCKET_END]
    if bucket[BUCKET_STATE] == STATE_ARMED and bucket[BUCKET_DURATION] > 0 then
      ends = now + bucket[BUCKET_DURATION]
    end
    if ends > 0 then
      local rest = math.floor((ends + grace - now) / 1000)
      if rest < validity then
        validity = rest
      end
    end
  end
  if validity < 1 then
    return 1
  end
  return validity
end

-- has_more(walk): whether the last bucket of a walk surely holds more than the walk takes: most
-- grants end in the first bucket, and need no second walk to know that they are not the last.
local function has_more(walk)
  local n = #walk
  local bucket = walk[n - 2]
  return n > 0
    and bucket[BUCKET_KIND] == KIND_UNITS
    and bucket[BUCKET_STEP] <= 1
    and available_in(bucket) > walk[n - 1]
end

-- more_waits(books, terms, window, now, walk): whether a bucket waits that may serve this service and
-- starts when what the walk takes is used up.
local function more_waits(books, terms, window, now, walk)
  for b = 1, #books do
    local buckets = books[b][ACCOUNT_BUCKETS]
    for i = 1, books[b][ACCOUNT_PENDING] > 0 and #buckets or 0, 3 do
      local resource = buckets[i + 1]
      if
        resource == terms[TERMS_UNIT] or resource == (window and window[WINDOW_CURRENCY])
      then
        local bucket = open_bucket(buckets, i + 2)
        local after, scope = bucket[BUCKET_AFTER], bucket[BUCKET_SCOPE]
        if
          after
          and bucket[BUCKET_STATE] == STATE_PENDING
          and (not scope or in_scope(scope, terms, now))
          and is_spent(books[b], after, walk)
        then
          return true
        end
      end
    end
  end
  return false
end

-- money_in(walk): the money a walk reserves.
local function money_in(walk)
  local money = 0
  for i = 1, #walk, 3 do
    if walk[i][BUCKET_KIND] == KIND_MONEY then
      money = money + walk[i + 1]
    end
  end
  return money
end

-- next_window(windows, window, until_ms): the window that takes over before until_ms, in the same
-- currency; or nil.
local function next_window(windows, window, until_ms)
  if not window or window[WINDOW_UNTIL] >= until_ms then
    return nil
  end
  for i = 1, #windows do
    local candidate = windows[i]
    if
      candidate[WINDOW_FROM] == window[WINDOW_UNTIL]
      and candidate[WINDOW_CURRENCY] == window[WINDOW_CURRENCY]
    then
      return candidate
    end
  end
  return nil
end

-- grant_units(books, events, session, service, ask, window, now, request): reserves for ask[ASK_WANT] units.
-- Returns the units granted, the validity in seconds, whether they are the last (0 no; 1 yes, and no
-- other session holds any: final units; 2 yes, but others hold units that may come back), and when
-- the tariff changes inside the validity time, 0 for never.
local function grant_units(books, events, session, service, ask, window, now, request)
  local terms, policy = ask[ASK_TERMS], request[REQUEST_POLICY]
  local sharing, account = request[REQUEST_SHARING], books[1]
  local list, walk, covered, size
  repeat
    list = list_eligible(books, terms, window, now, sharing)
    size = size_grant(list, account, service, window, ask)
    local most = size < terms[TERMS_MAXIMUM] and terms[TERMS_MAXIMUM]
    walk, covered = plan_walk(list, account, service, window, size, most)
    local again = false
    for b = 1, covered < size and #books or 0 do
      again = start_pending(books[b], events[b], now, walk) or again
    end
  until not again
  local last = 0
  if
    not has_more(walk)
    and capacity_of(list, account, service, window, covered + 1) <= covered
    and not more_waits(books, terms, window, now, walk)
  then
    last = others_hold(list, session) and 2 or 1
  end
  local seconds = last == 2 and terms[TERMS_SHORT_VALIDITY_S] or terms[TERMS_VALIDITY_S]
  local validity = validity_of(walk, seconds, now, policy[POLICY_GRACE_MS])
  local change_at, after = 0, false
  local following = next_window(terms[TERMS_WINDOWS], window, now + validity * 1000)
  if following and covered > 0 then
    -- Units used after the change cost what they cost then: hold the dearer of the two.
    local later, within = plan_walk(list, account, service, following, covered, false)
    if within >= covered then
      change_at, after = window[WINDOW_UNTIL], following[WINDOW_DIGEST]
      if money_in(later) > money_in(walk) then
        walk = later
      end
    end
  end
  if change_at == 0 and window and window[WINDOW_UNTIL] < now + validity * 1000 then
    -- No rate to go on with, or not enough money for it: the grant ends with the window.
    validity = math.max(1, math.ceil((window[WINDOW_UNTIL] - now) / 1000))
  end
  local legs = {}
  for i = 1, #walk, 3 do
    local bucket = walk[i]
    bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] + walk[i + 1]
    legs[i], legs[i + 1], legs[i + 2] = held_name(bucket), walk[i + 1], walk[i + 2]
  end
  service[SERVICE_LEGS], service[SERVICE_GRANTED] = legs, covered
  service[SERVICE_WINDOW] = window and window[WINDOW_DIGEST] or false
  service[SERVICE_NEXT] = after
  for b = 1, #books do
    start_armed(books[b], events[b], walk, now)
  end
  service[SERVICE_VALID_UNTIL] = now + validity * 1000
  return covered, validity, last, change_at
end
