#!lua flags=allow-oom
--- @include "open_partition"
--- @include "open_buckets"
--- @include "read_book"
-- purge: drops the buckets of an account that have ended with nothing left in them, once the record
-- holds the account's last event. Says nothing: what ended them was an event already.
--
-- KEYS account, control
-- ARGV last sequence number of the account that the record holds
-- Reply { REPLY_DONE, buckets dropped }
--       { REPLY_MOVED, partition }; { REPLY_NOT_DUE } the record is behind
--       { REPLY_UNKNOWN_ACCOUNT }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
local account_key, control_key, recorded = KEYS[1], KEYS[2], tonumber(ARGV[1])

if not open_partition(control_key) then
  return { REPLY_FENCED }
end
local account, missing = read_book(account_key)
if not account then
  return missing
end
if account[ACCOUNT_SEQUENCE] > recorded then
  return { REPLY_NOT_DUE }
end
local buckets, kept, dropped = account[ACCOUNT_BUCKETS], {}, 0
for i = 1, #buckets, 3 do
  local bucket = open_bucket(buckets, i + 2)
  if
    bucket[BUCKET_STATE] == STATE_INACTIVE
    and bucket[BUCKET_END] > 0
    and bucket[BUCKET_END] <= account[ACCOUNT_LAST_SEEN]
    and bucket[BUCKET_REMAINING] == 0
    and bucket[BUCKET_RESERVED] == 0
  then
    dropped = dropped + 1
  else
    local n = #kept
    kept[n + 1], kept[n + 2], kept[n + 3] = buckets[i], buckets[i + 1], bucket
  end
end
if dropped > 0 then
  account[ACCOUNT_BUCKETS] = kept
  redis.call('SET', account_key, pack_account(account))
end
return { REPLY_DONE, dropped }
