-- What time and use do to buckets: activation at first use, the end of a validity.

-- next_change(account, now): when the account's buckets next change by themselves; 0 for never. A
-- suspended bucket ends too: what is in it expires.
local function next_change(account, now)
  local soonest = 0
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    local state, at = bucket[BUCKET_STATE], bucket[BUCKET_END]
    if at <= now or (state == STATE_INACTIVE and bucket[BUCKET_REMAINING] <= 0) then
      at = 0
    end
    local starts = bucket[BUCKET_START]
    if state == STATE_PENDING and starts > now and (at == 0 or starts < at) then
      at = starts
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

-- taken_by(walk, bucket): what a walk that is planned would take from a bucket.
local function taken_by(walk, bucket)
  for i = 1, #walk, 3 do
    if walk[i] == bucket then
      return walk[i + 1]
    end
  end
  return 0
end

-- is_spent(account, id, walk): whether the bundle (or the bucket) of this id is over: used up or
-- ended. With a walk also whether it has nothing left to give, not one step, beyond what the walk
-- takes.
local function is_spent(account, id, walk)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    if
      (bucket[BUCKET_BUNDLE] == id or bucket[BUCKET_ID] == id)
      and bucket[BUCKET_STATE] ~= STATE_INACTIVE
    then
      local left = bucket[BUCKET_REMAINING] - bucket[BUCKET_RESERVED]
      if not walk or left - taken_by(walk, bucket) >= bucket[BUCKET_STEP] then
        return false
      end
    end
  end
  return true
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

-- start_bucket(events, bucket, now, cause): the bucket's validity begins now.
local function start_bucket(events, bucket, now, cause)
  bucket[BUCKET_START] = now
  if bucket[BUCKET_DURATION] > 0 then
    bucket[BUCKET_END] = now + bucket[BUCKET_DURATION]
  end
  change_state(events, bucket, STATE_ACTIVE, cause)
end

-- start_pending(account, events, now, walk): starts the buckets whose predecessor is over; with a
-- walk that was not enough, those too whose predecessor has nothing left beyond it. Returns whether
-- any started. The head of each chain only: the next waits for this one.
local function start_pending(account, events, now, walk)
  if account[ACCOUNT_PENDING] == 0 then
    return false
  end
  local buckets, waiting, started = account[ACCOUNT_BUCKETS], 0, {}
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    local after = bucket[BUCKET_AFTER]
    if bucket[BUCKET_STATE] == STATE_PENDING and after then
      if is_spent(account, after, walk) then
        started[#started + 1] = bucket
      else
        waiting = waiting + 1
      end
    end
  end
  for i = 1, #started do
    start_bucket(events, started[i], now, CAUSE_SUCCEEDED)
  end
  account[ACCOUNT_PENDING] = waiting
  if #started == 0 then
    return false
  end
  sort_buckets(account)
  account[ACCOUNT_NEXT_CHANGE] = next_change(account, now)
  return true
end

-- retire_exhausted(account, events, walk, now): this account's unit buckets of a walk that were used
-- up become inactive, and what waits behind them starts.
local function retire_exhausted(account, events, walk, now)
  local retired = false
  for i = 1, #walk, 3 do
    local bucket = walk[i]
    if
      bucket[BUCKET_KIND] == KIND_UNITS
      and bucket[BUCKET_REMAINING] == 0
      and bucket[BUCKET_RESERVED] == 0
      and bucket[BUCKET_STATE] == STATE_ACTIVE
      and find_bucket(account, bucket[BUCKET_ID]) == bucket
    then
      change_state(events, bucket, STATE_INACTIVE, CAUSE_EXHAUSTED)
      retired = true
    end
  end
  if retired then
    start_pending(account, events, now)
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
      state = bucket[BUCKET_DURATION] > 0 and STATE_ARMED or STATE_ACTIVE
      change_state(events, bucket, state, CAUSE_SUCCEEDED)
    end
    if ends > 0 and ends <= now then
      if state ~= STATE_INACTIVE then
        change_state(events, bucket, STATE_INACTIVE, CAUSE_EXPIRED)
      end
      expire_rest(events, bucket)
    end
  end
  account[ACCOUNT_NEXT_CHANGE] = next_change(account, now)
  start_pending(account, events, now)
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

-- start_armed(account, events, walk, now): the armed buckets of a walk that are this account's, and
-- the other buckets of their bundles, become active: their validity begins now.
local function start_armed(account, events, walk, now)
  local met, bundles, any = {}, {}, false
  for i = 1, #walk, 3 do
    local bucket = walk[i]
    if bucket[BUCKET_STATE] == STATE_ARMED and find_bucket(account, bucket[BUCKET_ID]) == bucket then
      met[bucket], any = true, true
      if bucket[BUCKET_BUNDLE] then
        bundles[bucket[BUCKET_BUNDLE]] = true
      end
    end
  end
  if not any then
    return
  end
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    if
      bucket[BUCKET_STATE] == STATE_ARMED
      and (met[bucket] or (bucket[BUCKET_BUNDLE] and bundles[bucket[BUCKET_BUNDLE]]))
    then
      start_bucket(events, bucket, now, CAUSE_FIRST_USE)
    end
  end
  sort_buckets(account)
  account[ACCOUNT_NEXT_CHANGE] = next_change(account, now)
end
