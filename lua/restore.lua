#!lua
--- @include "charge_session"
--- @include "change_buckets"
--- @include "new_account"
--- @include "access_record"
-- restore: brings back an account that Redis lost, as the record has it, with those of its sessions
-- that go on by their totals. What sessions held is free again. Only in a partition that recovery
-- holds: nothing is charged there meanwhile. Says nothing: every event of it is in the record.
--
-- KEYS account, control, timers, access, session (any number of them)
-- ARGV account, packed (RESTORE_ in layout.lua), one session each, packed (RESUME_)
-- Reply { REPLY_DONE }; { REPLY_CONFLICT } the partition is open
local account_key, control_key, timers_key, access_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local restored = cmsgpack.unpack(ARGV[1])

local control = redis.call('GET', control_key)
if not control or string.byte(control) ~= 102 then
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

local account, sessions = account_of(), {}
for k = 5, #KEYS do
  sessions[k] = cmsgpack.unpack(ARGV[k - 3])
end
-- A read only: a key of the wrong type must fail before the first write.
redis.call('ZCARD', timers_key)

redis.call('SET', account_key, pack_account(account))
arm_account(timers_key, account, 0)
nas.write_access(access_key, restored[RESTORE_ACCESS] or { SCHEMA_VERSION, {}, {} })
for k = 5, #KEYS do
  redis.call('DEL', KEYS[k])
  write_fields(KEYS[k], fields_of(sessions[k]))
  redis.call('ZADD', timers_key, sessions[k][RESUME_DEADLINE], 's:' .. sessions[k][RESUME_SESSION])
end
return { REPLY_DONE }
