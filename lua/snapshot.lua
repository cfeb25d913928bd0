#!lua flags=no-writes,allow-stale
--- @include "open_buckets"
-- snapshot: an account as it stands, its buckets opened. Reads only.
--
-- KEYS account
-- ARGV none
-- Reply { REPLY_DONE, account, packed, with each bucket in ACCOUNT_BUCKETS an array }
--       { REPLY_UNKNOWN_ACCOUNT }
local packed = redis.call('GET', KEYS[1])
if not packed then
  return { REPLY_UNKNOWN_ACCOUNT }
end
local account = cmsgpack.unpack(packed)
local buckets = account[ACCOUNT_BUCKETS]
for i = 3, #buckets, 3 do
  open_bucket(buckets, i)
end
return { REPLY_DONE, cmsgpack.pack(account) }
