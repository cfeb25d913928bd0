-- is_low(account): whether a threshold that says so is crossed. [3GPP TS 32.299 7.2.101A]
local function is_low(account)
  local thresholds = account[ACCOUNT_THRESHOLDS]
  for i = 1, #thresholds do
    if thresholds[i][THRESHOLD_LOW] and not thresholds[i][THRESHOLD_ARMED] then
      return true
    end
  end
  return false
end

-- has_begun(events): whether a bucket that waited began with these events.
local function has_begun(events)
  for i = 1, #events do
    local event = events[i]
    if event[1] == EVENT_BUCKET_STATE and event[4] == STATE_PENDING then
      return true
    end
  end
  return false
end

-- check_thresholds(account, events, credited): fires the thresholds that the balances have fallen to,
-- once per crossing, and arms again those that a credit has lifted them above: one of management, a
-- refund, a bucket that waited and begins. That a percentage falls, as what ended counts no more, arms
-- nothing. A threshold watches what is left of a resource, or of a bundle: an amount, or a
-- percentage of what was granted. credited: true after a credit, or a set of the thresholds that are
-- to be looked at anew.
-- Keeps as ACCOUNT_SLACK how much may be taken from buckets, of whatever resource, before one could
-- fire: false where the account has none, 0 while a crossed one says that the balance is low (who is low
-- is told so with every answer) and while sessions wait for units that are given back: the short way of
-- charging tells nobody.
local function check_thresholds(account, events, credited)
  local thresholds, buckets = account[ACCOUNT_THRESHOLDS], account[ACCOUNT_BUCKETS]
  local slack = #thresholds > 0 and AVAILABLE_MAX
  local lifted = credited == true or (#thresholds > 0 and has_begun(events))
  for i = 1, #thresholds do
    local threshold = thresholds[i]
    local credit, debt, granted = 0, 0, 0
    for k = 1, #buckets, 3 do
      if buckets[k + 1] == threshold[THRESHOLD_RESOURCE] then
        local bucket = open_bucket(buckets, k + 2)
        local state, bundle = bucket[BUCKET_STATE], threshold[THRESHOLD_BUNDLE]
        local counts = state == STATE_ACTIVE or state == STATE_ARMED
        -- A bucket used up still stands for what was granted.
        if not bundle and state == STATE_INACTIVE then
          counts = false
        elseif bundle then
          counts = bundle == bucket[BUCKET_BUNDLE] and state ~= STATE_PENDING
        end
        if counts then
          -- Several buckets may hold more together than a number can say.
          local remaining = bucket[BUCKET_REMAINING]
          credit = math.min(credit + math.max(remaining, 0), AMOUNT_LIMIT - 1)
          debt = math.max(debt + math.min(remaining, 0), 1 - AMOUNT_LIMIT)
          granted = math.min(granted + bucket[BUCKET_GRANTED], AMOUNT_LIMIT - 1)
        end
      end
    end
    local value, level = credit + debt, threshold[THRESHOLD_LEVEL]
    if threshold[THRESHOLD_PERCENT] then
      local rest = granted % 100
      level = (granted - rest) / 100 * level + math.floor(rest * level / 100)
    end
    if threshold[THRESHOLD_ARMED] and value <= level then
      threshold[THRESHOLD_ARMED] = false
      events[#events + 1] = {
        EVENT_THRESHOLD,
        threshold[THRESHOLD_ID],
        threshold[THRESHOLD_RESOURCE],
        THRESHOLD_CROSSED,
        level,
        value,
      }
    elseif
      not threshold[THRESHOLD_ARMED]
      and value > level
      and (lifted or (credited and credited[threshold[THRESHOLD_ID]]))
    then
      threshold[THRESHOLD_ARMED] = true
      events[#events + 1] = {
        EVENT_THRESHOLD,
        threshold[THRESHOLD_ID],
        threshold[THRESHOLD_RESOURCE],
        THRESHOLD_REARMED,
        level,
        value,
      }
    end
    if threshold[THRESHOLD_ARMED] and value - level < slack then
      slack = value - level
    end
  end
  local waits = #account[ACCOUNT_STARVED] > 0
  account[ACCOUNT_SLACK] = (waits or is_low(account)) and 0 or slack
end
