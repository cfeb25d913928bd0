-- Granting: reserve what is asked for, as far as the buckets go.

-- others_hold(list): whether a bucket of a list that was walked to its end is reserved for somebody
-- else, whose units may come back. The service itself holds nothing: it was settled before.
local function others_hold(list)
  local n = 1
  local bucket = nth_eligible(list, n)
  while bucket do
    if bucket[BUCKET_RESERVED] > 0 then
      return true
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
  local quota, size = ask[ASK_QUOTA], ask[ASK_WANT]
  if size > quota[QUOTA_MAXIMUM] then
    size = quota[QUOTA_MAXIMUM]
  end
  local share = quota[QUOTA_SHARE_PERCENT]
  if share < 100 then
    local plenty = math.ceil(size * 100 / share)
    local left = capacity_of(list, account, service, window, plenty)
    if left < plenty then
      local part = math.floor(left * share / 100)
      if part < quota[QUOTA_MINIMUM] then
        part = quota[QUOTA_MINIMUM]
      end
      if part < size then
        size = part
      end
    end
  end
  return size
end

-- validity_of(walk, seconds, now, grace): seconds the grant stands: the quota's, but
-- never past the end of a bucket it draws on by more than the grace, and never 0.
local function validity_of(walk, seconds, now, grace)
  local validity = seconds
  for i = 1, #walk, 3 do
    local ends = walk[i][BUCKET_END]
    if ends > 0 then
      local rest = math.ceil((ends + grace - now) / 1000)
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

-- grant_units(account, service, ask, window, now, policy, events): reserves for ask[ASK_WANT] units.
-- Returns the units granted, the validity in seconds, and whether they are the last: 0 no, 1 yes,
-- and nobody else holds any (final units), 2 yes, but others hold units that may come back.
local function grant_units(account, service, ask, window, now, policy, events)
  local quota = ask[ASK_QUOTA]
  local list = list_eligible(account, ask, window, now)
  local size = size_grant(list, account, service, window, ask)
  local whole = size < quota[QUOTA_MAXIMUM]
  local walk, covered = plan_walk(list, account, service, window, size, whole)
  local last, legs = 0, {}
  if capacity_of(list, account, service, window, covered + 1) <= covered then
    last = others_hold(list) and 2 or 1
  end
  for i = 1, #walk, 3 do
    local bucket = walk[i]
    bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] + walk[i + 1]
    legs[i], legs[i + 1], legs[i + 2] = bucket[BUCKET_ID], walk[i + 1], walk[i + 2]
  end
  service[SERVICE_LEGS], service[SERVICE_GRANTED] = legs, covered
  service[SERVICE_LINE] = window and window[WINDOW_LINE] or false
  service[SERVICE_PERIOD] = window and window[WINDOW_PERIOD] or 0
  service[SERVICE_CURRENCY] = window and window[WINDOW_CURRENCY] or false
  service[SERVICE_LABEL] = window and window[WINDOW_LABEL] or false
  if covered > 0 then
    start_armed(account, walk, events, now)
  end
  local seconds = last == 2 and quota[QUOTA_SHORT_VALIDITY_S] or quota[QUOTA_VALIDITY_S]
  local validity = validity_of(walk, seconds, now, policy[POLICY_GRACE_MS])
  service[SERVICE_VALID_UNTIL] = now + validity * 1000
  return covered, validity, last
end
