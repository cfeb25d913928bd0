#!lua
--- @include "charge_session"
--- @include "change_buckets"
--- @include "new_account"
--- @include "access_record"
-- restore: brings back an account that Redis lost, as the record has it, with those of its sessions
-- that go on by their totals. What sessions held is free again. Only in a partition that is closed:
-- nothing is charged there meanwhile. Says nothing: every event of it is in the record. Of a session
-- that is there, in an older state, the answers stay, and where it is in the network.
--
-- KEYS account, control, timers, access, session (any number of them: those that go on, then those of
--      RESTORE_FORGOTTEN, which go)
-- ARGV account, packed (RESTORE_ in layout.lua), one session that goes on each, packed (RESUME_)
-- Reply { REPLY_DONE }; { REPLY_CONFLICT } the partition is open, or Redis was emptied
local account_key, control_key, timers_key, access_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local restored = cmsgpack.unpack(ARGV[1])

if open_partition(control_key) or redis.call('EXISTS', control_key) == 0 then
  return { REPLY_CONFLICT }
end
forget_owner()

-- account_of(restored): the account, its buckets in their order and its next change known.
local function account_of()
  local account = new_account(restored[RESTORE_ACCOUNT])
  account[ACCOUNT_SEQUENCE] = restored[RESTORE_SEQUENCE]
  account[ACCOUNT_LAST_SEEN] = restored[RESTORE_LAST_SEEN]
  account[ACCOUNT_STANDING] = restored[RESTORE_STANDING]
  account[ACCOUNT_PROFILE] = restored[RESTORE_PROFILE]
  account[ACCOUNT_INTENT] = restored[RESTORE_INTENT]
  account[ACCOUNT_COUNTERS] = restored[RESTORE_COUNTERS]
  account[ACCOUNT_THRESHOLDS] = restored[RESTORE_THRESHOLDS]
  -- How far they are is worked out with the first charge.
  account[ACCOUNT_SLACK] = #restored[RESTORE_THRESHOLDS] > 0 and 0
  local buckets, pending = account[ACCOUNT_BUCKETS], 0
  for i, bucket in ipairs(restored[RESTORE_BUCKETS]) do
    buckets[3 * i - 2], buckets[3 * i - 1] = bucket[BUCKET_ID], bucket[BUCKET_RESOURCE]
    buckets[3 * i] = bucket
    if bucket[BUCKET_STATE] == STATE_PENDING and bucket[BUCKET_AFTER] then
      pending = pending + 1
    end
  end
  account[ACCOUNT_PENDING] = pending
  sort_buckets(account)
  account[ACCOUNT_NEXT_CHANGE] = next_change(account, account[ACCOUNT_LAST_SEEN])
  return account
end

-- fields_of(resumed): the hash of a session, as flat pairs; it holds nothing.
local function fields_of(resumed)
  local terms = {}
  terms[REQUEST_ACCOUNT], terms[REQUEST_POLICY] = restored[RESTORE_ACCOUNT], {}
  terms[REQUEST_POLICY][POLICY_RETENTION_MS] = resumed[RESUME_RETENTION]
  local header = new_session(terms, resumed[RESUME_OPENED])
  header[SESSION_STATE] = resumed[RESUME_STATE]
  header[SESSION_LAST_NUMBER] = resumed[RESUME_NUMBER]
  header[SESSION_LAST_SEEN] = resumed[RESUME_LAST_SEEN]
  header[SESSION_DEADLINE] = resumed[RESUME_DEADLINE]
  header[SESSION_TIMER] = resumed[RESUME_DEADLINE]
  local pairs_of_hash = { 'm', resumed[RESUME_STAMP] }
  for _, settled in ipairs(resumed[RESUME_SETTLED]) do
    -- A report of which only the record knew the answer: whatever its content, it has been charged.
    local number, at, answers = settled[SETTLED_NUMBER], settled[SETTLED_AT], {}
    for i, service in ipairs(settled[SETTLED_SERVICES]) do
      local key, cost, currency = service[1], service[2], service[3]
      answers[i] = { key, RESULT_SUPERSEDED, 0, 0, 0, cost, currency, 0 }
    end
    pairs_of_hash[#pairs_of_hash + 1] = 'a' .. number % ANSWER_WINDOW
    pairs_of_hash[#pairs_of_hash + 1] = cmsgpack.pack({ number, false, cmsgpack.pack({ at, answers }) })
  end
  for _, kept in ipairs(resumed[RESUME_SERVICES]) do
    local service, key = new_service(kept[RESUME_UNIT]), kept[RESUME_KEY]
    service[SERVICE_NUMBER] = resumed[RESUME_NUMBER]
    service[SERVICE_USED] = kept[RESUME_USED]
    service[SERVICE_COST] = kept[RESUME_COST]
    service[SERVICE_GROSS] = kept[RESUME_GROSS]
    service[SERVICE_OPENED] = kept[RESUME_CONNECTED]
    service[SERVICE_TOTALS] = kept[RESUME_TOTALS]
    service[SERVICE_STEPS] = kept[RESUME_STEPS]
    remember(header[SESSION_SERVICES], key, true)
    pairs_of_hash[#pairs_of_hash + 1] = 's:' .. key
    pairs_of_hash[#pairs_of_hash + 1] = cmsgpack.pack(service)
  end
  if resumed[RESUME_TRACK] then
    pairs_of_hash[#pairs_of_hash + 1] = 'r'
    pairs_of_hash[#pairs_of_hash + 1] = cmsgpack.pack(resumed[RESUME_TRACK])
    pairs_of_hash[#pairs_of_hash + 1] = 'n'
    pairs_of_hash[#pairs_of_hash + 1] = resumed[RESUME_NETWORK]
  end
  pairs_of_hash[#pairs_of_hash + 1] = 'h'
  pairs_of_hash[#pairs_of_hash + 1] = cmsgpack.pack(header)
  return pairs_of_hash
end

-- forget_session(key): all of a session but its answers and where it is in the network.
local function forget_session(key)
  if redis.call('TYPE', key).ok ~= 'hash' then
    redis.call('DEL', key)
    return
  end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not string.find(field, '^a%d+$') and field ~= 'n' then
      redis.call('HDEL', key, field)
    end
  end
end

local account, sessions = account_of(), {}
local resumed_last = #ARGV + 3
for k = 5, resumed_last do
  sessions[k] = cmsgpack.unpack(ARGV[k - 3])
end
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', timers_key)

redis.call('SET', account_key, pack_account(account))
arm_account(timers_key, account, 0)
nas.write_access(access_key, restored[RESTORE_ACCESS] or { SCHEMA_VERSION, {}, {} })
for k = 5, resumed_last do
  forget_session(KEYS[k])
  write_fields(KEYS[k], fields_of(sessions[k]))
  redis.call('ZADD', timers_key, sessions[k][RESUME_DEADLINE], 's:' .. sessions[k][RESUME_SESSION])
end
for i, session_id in ipairs(restored[RESTORE_FORGOTTEN]) do
  redis.call('DEL', KEYS[resumed_last + i])
  redis.call('ZREM', timers_key, 's:' .. session_id)
end
return { REPLY_DONE }
