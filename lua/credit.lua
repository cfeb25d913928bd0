#!lua
--- @include "read_time"
--- @include "open_partition"
--- @include "read_book"
--- @include "open_buckets"
--- @include "open_terms"
--- @include "price_units"
--- @include "list_eligible"
--- @include "plan_walk"
--- @include "change_buckets"
--- @include "settle_usage"
--- @include "write_entry"
--- @include "check_thresholds"
--- @include "arm_account"
--- @include "access_record"
--- @include "name_starved"
-- credit: applies one intent to an account: grants buckets, adds to them, changes their limits.
-- Intents of an account are numbered 1, 2, 3 …; the account keeps the last one applied, so applying
-- one again is harmless for ever and none is applied before the one in front of it.
-- An intent that cannot be applied is answered by an event too (LEDGER_REFUSED with its reason) and
-- counts as applied: it must not block those behind it.
--
-- What staff take or give back may lead below a floor, and the event says so; what is taken for a
-- transfer may not, nor may it take what sessions hold.
--
-- The sessions that had got their last units are to ask again, and those of RADIUS whose NAS was told
-- limits are to be told new ones: each is a task of steering.
--
-- KEYS account, control, outbox, timers, steer, tasks, access - all of one partition
-- ARGV credit request, packed (CREDIT_ in layout.lua)
-- Reply { REPLY_DONE, packed ids of the sessions that are told to ask again }
--       { REPLY_REFUSED, reason }: bucket-exists, unknown-bucket, amount-out-of-range, bucket-inactive,
--       below-floor
--       { REPLY_REPEATED } applied before; { REPLY_OUT_OF_ORDER, last applied number }
--       { REPLY_MOVED, partition }, { REPLY_FENCED }, { REPLY_NEWER_STATE }, { REPLY_UNKNOWN_ACCOUNT }
-- Events ledger per operation, bucket-state, threshold
local account_key, control_key, outbox_key, timers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local steer_key, tasks_key, access_key = KEYS[5], KEYS[6], KEYS[7]
local request = cmsgpack.unpack(ARGV[1])

-- Positions of what the operations so far make of a bucket.
local PLAN_REMAINING, PLAN_GRANTED, PLAN_FLOOR, PLAN_STATE, PLAN_RESERVED = 1, 2, 3, 4, 5

-- plan_of(bucket): the bucket as operations find it.
local function plan_of(bucket)
  return {
    bucket[BUCKET_REMAINING],
    bucket[BUCKET_GRANTED],
    bucket[BUCKET_FLOOR],
    bucket[BUCKET_STATE],
    bucket[BUCKET_RESERVED],
  }
end

-- is_exact(plan): whether what a bucket holds, what was granted, and what may be taken down to the floor
-- are numbers that a script can count with.
local function is_exact(plan)
  return plan[PLAN_REMAINING] > -AMOUNT_LIMIT
    and plan[PLAN_REMAINING] - math.min(plan[PLAN_FLOOR], 0) < AMOUNT_LIMIT
    and plan[PLAN_GRANTED] < AMOUNT_LIMIT
end

-- grown_by(operation): what an ADD moves the granted amount by.
local function grown_by(operation)
  return operation[4] or math.max(operation[3], 0)
end

-- refusal_of(account, operation, planned): why an operation cannot be applied behind those before it,
-- or nil. planned: what these make of the buckets, by id.
local function refusal_of(account, operation, planned)
  local code = operation[1]
  if code == OPERATION_SET_THRESHOLDS or code == OPERATION_CORRECT then
    return nil
  end
  if code == OPERATION_GRANT then
    local bucket = operation[2]
    local id = bucket[BUCKET_ID]
    if planned[id] or find_bucket(account, id) then
      return 'bucket-exists'
    end
    planned[id] = plan_of(bucket)
    return not is_exact(planned[id]) and 'amount-out-of-range' or nil
  end
  local id, plan = operation[2], planned[operation[2]]
  if not plan then
    local bucket = find_bucket(account, id)
    if not bucket then
      return 'unknown-bucket'
    end
    plan = plan_of(bucket)
    planned[id] = plan
  end
  if code == OPERATION_TAKE then
    if plan[PLAN_STATE] ~= STATE_ACTIVE and plan[PLAN_STATE] ~= STATE_ARMED then
      return 'bucket-inactive'
    end
    if plan[PLAN_REMAINING] - plan[PLAN_RESERVED] - plan[PLAN_FLOOR] < operation[3] then
      return 'below-floor'
    end
    plan[PLAN_REMAINING] = plan[PLAN_REMAINING] - operation[3]
  elseif code == OPERATION_ADD then
    plan[PLAN_REMAINING] = plan[PLAN_REMAINING] + operation[3]
    plan[PLAN_GRANTED] = plan[PLAN_GRANTED] + grown_by(operation)
  elseif code == OPERATION_SET_FLOOR then
    plan[PLAN_FLOOR] = operation[3]
  elseif code == OPERATION_SET_STATE then
    plan[PLAN_STATE] = operation[3]
  end
  return not is_exact(plan) and 'amount-out-of-range' or nil
end

-- set_thresholds(account, wanted, changed): replaces the account's thresholds; one that was there keeps
-- whether it is armed, so that setting them again fires nothing twice. Those that watch something else
-- now are put into `changed`.
local function set_thresholds(account, wanted, changed)
  local before = account[ACCOUNT_THRESHOLDS]
  for i = 1, #wanted do
    for k = 1, #before do
      local known, threshold = before[k], wanted[i]
      if known[THRESHOLD_ID] == threshold[THRESHOLD_ID] then
        threshold[THRESHOLD_ARMED] = known[THRESHOLD_ARMED]
        changed[known[THRESHOLD_ID]] = known[THRESHOLD_RESOURCE] ~= threshold[THRESHOLD_RESOURCE]
          or known[THRESHOLD_BUNDLE] ~= threshold[THRESHOLD_BUNDLE]
          or known[THRESHOLD_PERCENT] ~= threshold[THRESHOLD_PERCENT]
          or known[THRESHOLD_LEVEL] ~= threshold[THRESHOLD_LEVEL]
      end
    end
  end
  account[ACCOUNT_THRESHOLDS] = wanted
end

-- move_amount(events, bucket, amount, granted, now): moves what a bucket holds, and what was granted; one
-- that was used up can be used again, one that staff took out of use cannot. Returns the impact.
local function move_amount(events, bucket, amount, granted, now)
  local used_up = bucket[BUCKET_STATE] == STATE_INACTIVE
    and not bucket[BUCKET_SUSPENDED]
    and bucket[BUCKET_REMAINING] <= 0
  bucket[BUCKET_REMAINING] = bucket[BUCKET_REMAINING] + amount
  bucket[BUCKET_GRANTED] = math.max(bucket[BUCKET_GRANTED] + granted, 0)
  if
    used_up
    and bucket[BUCKET_REMAINING] > 0
    and (bucket[BUCKET_END] == 0 or bucket[BUCKET_END] > now)
  then
    change_state(events, bucket, STATE_ACTIVE, CAUSE_RESUMED)
  end
  return { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], amount, bucket[BUCKET_REMAINING], 0 }
end

-- definition_of(bucket): the bucket as it is now, whatever else this call does to it.
local function definition_of(bucket)
  local copy = {}
  for i = 1, #bucket do
    copy[i] = bucket[i]
  end
  return copy
end

-- begin_bucket(bucket, now): a bucket is created now, and begins now where it is granted as active, by
-- this clock, unless it is said when.
local function begin_bucket(bucket, now)
  if bucket[BUCKET_CREATED] == 0 then
    bucket[BUCKET_CREATED] = now
  end
  if bucket[BUCKET_STATE] ~= STATE_ACTIVE or bucket[BUCKET_START] > 0 then
    return
  end
  bucket[BUCKET_START] = now
  if bucket[BUCKET_DURATION] > 0 and bucket[BUCKET_END] == 0 then
    bucket[BUCKET_END] = now + bucket[BUCKET_DURATION]
  end
end

-- apply(account, events, operation, now, changed): carries one operation out. Returns its impact, or
-- false, the bucket's definition where that is new, and the bucket itself.
local function apply(account, events, operation, now, changed)
  local code = operation[1]
  if code == OPERATION_SET_THRESHOLDS then
    set_thresholds(account, operation[2], changed)
    return false, false
  end
  if code == OPERATION_CORRECT then
    -- The record is to say what the bucket holds, which stays as it is; one that is gone holds 0.
    local id, resource, amount = operation[2], operation[3], operation[4]
    local bucket = find_bucket(account, id)
    return { id, resource, amount, bucket and bucket[BUCKET_REMAINING] or 0, 0 }, false
  end
  if code == OPERATION_GRANT then
    local bucket = operation[2]
    local buckets = account[ACCOUNT_BUCKETS]
    local n = #buckets
    begin_bucket(bucket, now)
    buckets[n + 1], buckets[n + 2] = bucket[BUCKET_ID], bucket[BUCKET_RESOURCE]
    buckets[n + 3] = bucket
    if bucket[BUCKET_AFTER] then
      account[ACCOUNT_PENDING] = account[ACCOUNT_PENDING] + 1
    end
    local amount = bucket[BUCKET_REMAINING]
    local impact = { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], amount, amount, 0 }
    return impact, definition_of(bucket), bucket
  end
  local bucket = find_bucket(account, operation[2])
  if code == OPERATION_TAKE then
    return move_amount(events, bucket, -operation[3], 0, now), false, bucket
  elseif code == OPERATION_ADD then
    local impact = move_amount(events, bucket, operation[3], grown_by(operation), now)
    return impact, operation[4] and definition_of(bucket), bucket
  end
  if code == OPERATION_SET_FLOOR then
    bucket[BUCKET_FLOOR] = operation[3]
  elseif code == OPERATION_SET_END then
    bucket[BUCKET_END] = operation[3]
  elseif operation[3] ~= bucket[BUCKET_STATE] then
    local cause = operation[3] == STATE_INACTIVE and CAUSE_SUSPENDED or CAUSE_RESUMED
    change_state(events, bucket, operation[3], cause)
  end
  if code == OPERATION_SET_STATE then
    bucket[BUCKET_SUSPENDED] = operation[3] == STATE_INACTIVE or nil
  end
  return false, definition_of(bucket), bucket
end

-- ends_below(code, impact, bucket): whether an operation left a bucket below its floor.
local function ends_below(code, impact, bucket)
  return bucket
    and bucket[BUCKET_REMAINING] < bucket[BUCKET_FLOOR]
    and (code == OPERATION_SET_FLOOR or (impact and impact[3] < 0))
end

-- frees_units(operations): whether sessions may get more by any of the operations.
local function frees_units(operations)
  for i = 1, #operations do
    local code = operations[i][1]
    local takes = code == OPERATION_TAKE or (code == OPERATION_ADD and operations[i][3] <= 0)
    if code ~= OPERATION_SET_THRESHOLDS and code ~= OPERATION_CORRECT and not takes then
      return true
    end
  end
  return false
end

-- is_credit(operations): whether any of the operations adds to what the account has to use.
local function is_credit(operations)
  for i = 1, #operations do
    local code, what = operations[i][1], operations[i][3]
    if
      code == OPERATION_GRANT
      or (code == OPERATION_ADD and what > 0)
      or (code == OPERATION_SET_STATE and what ~= STATE_INACTIVE)
    then
      return true
    end
  end
  return false
end

-- to_be_told(account, access, now): the sessions that may get more: those that wait for units, and
-- live ones of RADIUS.
local function to_be_told(account, access, now)
  local told, known = account[ACCOUNT_STARVED], {}
  for i = 1, #told do
    known[told[i]] = true
  end
  for _, live in ipairs(access[ACCESS_SESSIONS]) do
    if live[LIVE_BOUND] and live[LIVE_UNTIL] > now and not known[live[LIVE_ID]] then
      told[#told + 1] = live[LIVE_ID]
    end
  end
  return told
end

forget_owner()
local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
local account, missing = read_book(account_key)
if not account then
  return missing
end
local access = nas.read_access(access_key)
if not access then
  return { REPLY_NEWER_STATE }
end
local number = request[CREDIT_NUMBER]
if number <= account[ACCOUNT_INTENT] then
  return { REPLY_REPEATED }
end
if number ~= account[ACCOUNT_INTENT] + 1 then
  return { REPLY_OUT_OF_ORDER, account[ACCOUNT_INTENT] }
end

local now = read_time(request[CREDIT_NOW], account[ACCOUNT_LAST_SEEN])
local events, next_before = {}, account[ACCOUNT_NEXT_CHANGE]
if next_before > 0 and next_before <= now then
  turn_buckets(account, events, now)
end
local refusal, planned, changed = nil, {}, {}
for _, operation in ipairs(request[CREDIT_OPERATIONS]) do
  refusal = refusal or refusal_of(account, operation, planned)
end
local intent, kind, reason = request[CREDIT_INTENT], request[CREDIT_KIND], request[CREDIT_REASON]
if refusal then
  events[#events + 1] = { EVENT_LEDGER, LEDGER_REFUSED, number, intent, refusal, {}, false }
else
  for _, operation in ipairs(request[CREDIT_OPERATIONS]) do
    local impact, definition, bucket = apply(account, events, operation, now, changed)
    local impacts = impact and { impact } or {}
    local event = { EVENT_LEDGER, kind, number, intent, reason, impacts, definition or false }
    if ends_below(operation[1], impact, bucket) then
      event[8] = true
    end
    events[#events + 1] = event
  end
  if #request[CREDIT_OPERATIONS] == 0 then
    -- Nothing to do is done, too: an intent without an event would stay unconfirmed.
    events[#events + 1] = { EVENT_LEDGER, kind, number, intent, reason, {}, false }
  end
end
account[ACCOUNT_INTENT] = number
account[ACCOUNT_LAST_SEEN] = now
if not refusal then
  sort_buckets(account)
  turn_buckets(account, events, now)
end
local starved = {}
if not refusal and frees_units(request[CREDIT_OPERATIONS]) then
  starved = to_be_told(account, access, now)
  account[ACCOUNT_STARVED] = {}
end
if not refusal and is_credit(request[CREDIT_OPERATIONS]) then
  changed = true
end
check_thresholds(account, events, changed)
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', timers_key)
check_steering(steer_key, tasks_key)

write_entry(outbox_key, entry_id, now, request[CREDIT_STAMP], { account }, { events })
redis.call('SET', account_key, pack_account(account))
arm_account(timers_key, account, next_before)
raise_starved(steer_key, tasks_key, starved, STEER_CREDIT, now)
if refusal then
  return { REPLY_REFUSED, refusal }
end
return { REPLY_DONE, cmsgpack.pack(starved) }
