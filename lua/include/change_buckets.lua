-- What time and use do to buckets: activation at first use, the end of a validity.

-- next_change(account): when the account's buckets next change by themselves; 0 for never.
local function next_change(account)
  local soonest = 0
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    local at = 0
    if bucket[BUCKET_STATE] == STATE_ACTIVE or bucket[BUCKET_STATE] == STATE_ARMED then
      at = bucket[BUCKET_END]
    elseif bucket[BUCKET_STATE] == STATE_PENDING then
      at = bucket[BUCKET_START]
    end
    if at > 0 and (soonest == 0 or at < soonest) then
      soonest = at
    end
  end
  return soonest
end

-- change_state(events, bucket, state, cause): moves a bucket and says so.
local function change_state(events, bucket, state, cause)
  events[#events + 1] = {
    EVENT_BUCKET_STATE,
    bucket[BUCKET_ID],
    bucket[BUCKET_BUNDLE],
    bucket[BUCKET_STATE],
    state,
    cause,
    bucket[BUCKET_START],
    bucket[BUCKET_END],
  }
  bucket[BUCKET_STATE] = state
end

-- expire_rest(events, bucket): what an ended bucket still holds and nobody reserved expires.
local function expire_rest(events, bucket)
  local rest = bucket[BUCKET_REMAINING] - bucket[BUCKET_RESERVED]
  if rest > 0 then
    bucket[BUCKET_REMAINING] = bucket[BUCKET_RESERVED]
    local impact =
      { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], -rest, bucket[BUCKET_REMAINING], 0 }
    events[#events + 1] = { EVENT_LEDGER, LEDGER_EXPIRY, 0, false, false, { impact }, false }
  end
end

-- turn_buckets(account, events, now): ends and starts what is due. Called at the head of every
-- script once ACCOUNT_NEXT_CHANGE has come.
local function turn_buckets(account, events, now)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    local state, ends = bucket[BUCKET_STATE], bucket[BUCKET_END]
    if state == STATE_PENDING and bucket[BUCKET_START] > 0 and bucket[BUCKET_START] <= now then
      change_state(events, bucket, STATE_ACTIVE, CAUSE_SUCCEEDED)
      state = STATE_ACTIVE
    end
    if ends > 0 and ends <= now then
      if state == STATE_ACTIVE or state == STATE_ARMED then
        change_state(events, bucket, STATE_INACTIVE, CAUSE_EXPIRED)
      end
      expire_rest(events, bucket)
    end
  end
  account[ACCOUNT_NEXT_CHANGE] = next_change(account)
end

-- turn_ended(account, events, now): after releases, expires what came back to an ended bucket. Only
-- opened buckets can have got anything back.
local function turn_ended(account, events, now)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = buckets[i]
    if type(bucket) == 'table' and bucket[BUCKET_END] > 0 and bucket[BUCKET_END] <= now then
      expire_rest(events, bucket)
    end
  end
end

-- sort_buckets(account): puts the buckets into the default consumption order, in which they are
-- stored.
local function sort_buckets(account)
  local buckets, sorted = account[ACCOUNT_BUCKETS], {}
  for i = 3, #buckets, 3 do
    sorted[i / 3] = open_bucket(buckets, i)
  end
  table.sort(sorted, function(a, b)
    return compare_buckets(a, b, ORDER_EARLIEST_EXPIRING, ORDER_EARLIEST_EXPIRING)
  end)
  for i = 1, #sorted do
    local bucket = sorted[i]
    buckets[3 * i - 2], buckets[3 * i - 1] = bucket[BUCKET_ID], bucket[BUCKET_RESOURCE]
    buckets[3 * i] = bucket
  end
end

-- start_armed(account, walk, events, now): the armed buckets of a walk, and the other buckets of
-- their bundles, become active: their validity begins now.
local function start_armed(account, walk, events, now)
  local started = false
  for i = 1, #walk, 3 do
    local met = walk[i]
    if met[BUCKET_STATE] == STATE_ARMED then
      local bundle, buckets = met[BUCKET_BUNDLE], account[ACCOUNT_BUCKETS]
      for k = 3, #buckets, 3 do
        local bucket = open_bucket(buckets, k)
        if
          bucket == met
          or (bundle and bucket[BUCKET_BUNDLE] == bundle and bucket[BUCKET_STATE] == STATE_ARMED)
        then
          bucket[BUCKET_START] = now
          if bucket[BUCKET_DURATION] > 0 then
            bucket[BUCKET_END] = now + bucket[BUCKET_DURATION]
          end
          change_state(events, bucket, STATE_ACTIVE, CAUSE_FIRST_USE)
          started = true
        end
      end
    end
  end
  if started then
    sort_buckets(account)
    account[ACCOUNT_NEXT_CHANGE] = next_change(account)
  end
end
