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

-- check_thresholds(account, events): fires the thresholds that the balances have fallen to, once per
-- crossing, and arms again those that a credit has lifted them above. A threshold watches what is
-- left of a resource, or of a bundle: an amount, or a percentage of what was granted.
-- Keeps as ACCOUNT_SLACK how much may be taken from buckets, of whatever resource, before one could
-- fire: false where the account has none, 0 while a crossed one says that the balance is low: who is low
-- is told so with every answer, which the short way of charging does not do.
local function check_thresholds(account, events)
  local thresholds, buckets = account[ACCOUNT_THRESHOLDS], account[ACCOUNT_BUCKETS]
  local slack = #thresholds > 0 and AVAILABLE_MAX
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
    elseif not threshold[THRESHOLD_ARMED] and value > level then
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
  account[ACCOUNT_SLACK] = is_low(account) and 0 or slack
end
