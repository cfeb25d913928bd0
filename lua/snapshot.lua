#!lua flags=no-writes,allow-stale
--- @include "open_buckets"
--- @include "read_book"
-- snapshot: an account as it stands, its buckets opened, and sessions as they stand in the same
-- moment: what they hold is then what the buckets say is held. Reads only.
--
-- KEYS account, session (any number of them)
-- ARGV none
-- Reply { REPLY_DONE, account, packed, with each bucket in ACCOUNT_BUCKETS an array,
--         the fields and values of each session as one flat packed array, in the order of the keys }
--       { REPLY_MOVED, partition }; { REPLY_UNKNOWN_ACCOUNT }, { REPLY_NEWER_STATE }
local account, missing = read_book(KEYS[1])
if not account then
  return missing
end
local buckets = account[ACCOUNT_BUCKETS]
for i = 3, #buckets, 3 do
  open_bucket(buckets, i)
end
local reply = { REPLY_DONE, cmsgpack.pack(account) }
for k = 2, #KEYS do
  reply[k + 1] = cmsgpack.pack(redis.call('HGETALL', KEYS[k]))
end
return reply
