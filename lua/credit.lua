#!lua
--- @include "read_time"
--- @include "open_partition"
--- @include "moved_to"
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
--- @include "raise_steering"
--- @include "access_record"
-- credit: applies one intent to an account: grants buckets, adds to them, changes their limits.
-- Intents of an account are numbered 1, 2, 3 …; the account keeps the last one applied, so applying
-- one again is harmless for ever and none is applied before the one in front of it.
-- An intent that cannot be applied is answered by an event too (LEDGER_REFUSED with its reason) and
-- counts as applied: it must not block those behind it.
--
-- The sessions that had got their last units are to ask again, and those of RADIUS whose NAS was told
-- limits are to be told new ones: each is a task of steering.
--
-- KEYS account, control, outbox, timers, steer, tasks, access - all of one partition
-- ARGV credit request, packed (CREDIT_ in layout.lua)
-- Reply { REPLY_DONE, packed ids of the sessions that are told to ask again }
--       { REPLY_REFUSED, reason }: bucket-exists, unknown-bucket, amount-out-of-range
--       { REPLY_REPEATED } applied before; { REPLY_OUT_OF_ORDER, last applied number }
--       { REPLY_MOVED, partition }, { REPLY_FENCED }, { REPLY_NEWER_STATE }, { REPLY_UNKNOWN_ACCOUNT }
-- Events ledger per operation, bucket-state, threshold
local account_key, control_key, outbox_key, timers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local steer_key, tasks_key, access_key = KEYS[5], KEYS[6], KEYS[7]
local request = cmsgpack.unpack(ARGV[1])

-- refusal_of(account, operation, planned): why an operation cannot be applied behind those before it,
-- or nil. planned: what these make of the buckets, { remaining, granted } by id.
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
    planned[id] = { bucket[BUCKET_REMAINING], bucket[BUCKET_GRANTED] }
    return nil
  end
  local id, plan = operation[2], planned[operation[2]]
  if not plan then
    local bucket = find_bucket(account, id)
    if not bucket then
      return 'unknown-bucket'
    end
    plan = { bucket[BUCKET_REMAINING], bucket[BUCKET_GRANTED] }
    planned[id] = plan
  end
  if code == OPERATION_ADD then
    plan[1] = plan[1] + operation[3]
    plan[2] = plan[2] + math.max(operation[3], 0)
    if plan[1] <= -AMOUNT_LIMIT or plan[1] >= AMOUNT_LIMIT or plan[2] >= AMOUNT_LIMIT then
      return 'amount-out-of-range'
    end
  end
  return nil
end

-- set_thresholds(account, wanted): replaces the account's thresholds; one that was there keeps
-- whether it is armed, so that setting them again fires nothing twice.
local function set_thresholds(account, wanted)
  local before = account[ACCOUNT_THRESHOLDS]
  for i = 1, #wanted do
    for k = 1, #before do
      if before[k][THRESHOLD_ID] == wanted[i][THRESHOLD_ID] then
        wanted[i][THRESHOLD_ARMED] = before[k][THRESHOLD_ARMED]
      end
    end
  end
  account[ACCOUNT_THRESHOLDS] = wanted
end

-- add_amount(events, bucket, amount, now): moves a bucket; one that was used up can be used again.
local function add_amount(events, bucket, amount, now)
  local used_up = bucket[BUCKET_STATE] == STATE_INACTIVE and bucket[BUCKET_REMAINING] == 0
  bucket[BUCKET_REMAINING] = bucket[BUCKET_REMAINING] + amount
  if amount > 0 then
    bucket[BUCKET_GRANTED] = bucket[BUCKET_GRANTED] + amount
    if used_up and (bucket[BUCKET_END] == 0 or bucket[BUCKET_END] > now) then
      change_state(events, bucket, STATE_ACTIVE, CAUSE_RESUMED)
    end
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

-- apply(account, events, operation, now): carries one operation out. Returns its impact, or false,
-- and the bucket's definition where that is new.
local function apply(account, events, operation, now)
  local code = operation[1]
  if code == OPERATION_SET_THRESHOLDS then
    set_thresholds(account, operation[2])
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
    buckets[n + 1], buckets[n + 2] = bucket[BUCKET_ID], bucket[BUCKET_RESOURCE]
    buckets[n + 3] = bucket
    if bucket[BUCKET_AFTER] then
      account[ACCOUNT_PENDING] = account[ACCOUNT_PENDING] + 1
    end
    local amount = bucket[BUCKET_REMAINING]
    local impact = { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], amount, amount, 0 }
    return impact, definition_of(bucket)
  end
  local bucket = find_bucket(account, operation[2])
  if code == OPERATION_ADD then
    return add_amount(events, bucket, operation[3], now), false
  end
  if code == OPERATION_SET_FLOOR then
    bucket[BUCKET_FLOOR] = operation[3]
  elseif code == OPERATION_SET_END then
    bucket[BUCKET_END] = operation[3]
  elseif operation[3] ~= bucket[BUCKET_STATE] then
    local cause = operation[3] == STATE_INACTIVE and CAUSE_SUSPENDED or CAUSE_RESUMED
    change_state(events, bucket, operation[3], cause)
  end
  return false, definition_of(bucket)
end

-- frees_units(operations): whether sessions may get more by any of the operations.
local function frees_units(operations)
  for i = 1, #operations do
    local code = operations[i][1]
    local takes = code == OPERATION_ADD and operations[i][3] <= 0
    if code ~= OPERATION_SET_THRESHOLDS and not takes then
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
local epoch = open_partition(control_key)
if not epoch then
  return { REPLY_FENCED }
end
local packed = redis.call('GET', account_key)
if not packed then
  return { REPLY_UNKNOWN_ACCOUNT }
end
local account = cmsgpack.unpack(packed)
if account[ACCOUNT_VERSION] > SCHEMA_VERSION then
  return { REPLY_NEWER_STATE }
end
if moved_to(account) then
  return { REPLY_MOVED, moved_to(account) }
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
local refusal, planned = nil, {}
for _, operation in ipairs(request[CREDIT_OPERATIONS]) do
  refusal = refusal or refusal_of(account, operation, planned)
end
local intent, kind, reason = request[CREDIT_INTENT], request[CREDIT_KIND], request[CREDIT_REASON]
if refusal then
  events[#events + 1] = { EVENT_LEDGER, LEDGER_REFUSED, number, intent, refusal, {}, false }
else
  for _, operation in ipairs(request[CREDIT_OPERATIONS]) do
    local impact, definition = apply(account, events, operation, now)
    local impacts = impact and { impact } or {}
    events[#events + 1] =
      { EVENT_LEDGER, kind, number, intent, reason, impacts, definition or false }
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
check_thresholds(account, events)
local starved = {}
if not refusal and frees_units(request[CREDIT_OPERATIONS]) then
  starved = to_be_told(account, access, now)
  account[ACCOUNT_STARVED] = {}
end
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', timers_key)
check_steering(steer_key, tasks_key)

write_entry(outbox_key, epoch, now, request[CREDIT_STAMP], { account }, { events })
redis.call('SET', account_key, pack_account(account))
arm_account(timers_key, account, next_before)
for i = 1, #starved do
  local member = 's:' .. starved[i]
  raise_steering(steer_key, tasks_key, member, STEER_REAUTHORISE, STEER_CREDIT, now, -1)
end
if refusal then
  return { REPLY_REFUSED, refusal }
end
return { REPLY_DONE, cmsgpack.pack(starved) }
