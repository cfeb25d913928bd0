#!lua
--- @include "read_time"
--- @include "open_partition"
--- @include "moved_to"
--- @include "write_entry"
-- move_out: the first step of a move. Seals the account: from here on nothing is charged here, and
-- whoever asks is told where it goes. What is sealed waits until it stands there.
--
-- KEYS account, control, outbox - all of one partition
-- ARGV time in ms or 0, partition it goes to, stamp
-- Reply { REPLY_DONE, sequence of the moved-out event, the sealed state }, also where it was sealed
--         before, for the same partition
--       { REPLY_MOVED, partition } gone, or on its way, to another one
--       { REPLY_UNKNOWN_ACCOUNT }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events account (moved-out)
local account_key, control_key, outbox_key = KEYS[1], KEYS[2], KEYS[3]
local given, to, stamp = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local entry_id = open_partition(control_key)
if not entry_id then
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
  if moved_to(account) == to and account[MOVED_STATE] then
    return { REPLY_DONE, account[ACCOUNT_SEQUENCE], account[MOVED_STATE] }
  end
  return { REPLY_MOVED, moved_to(account) }
end
local now = read_time(given, account[ACCOUNT_LAST_SEEN])
account[ACCOUNT_LAST_SEEN] = now
local event =
  { EVENT_ACCOUNT, ACCOUNT_MOVED_OUT, account[ACCOUNT_STANDING], account[ACCOUNT_PROFILE] }

write_entry(outbox_key, entry_id, now, stamp, { account }, { { event } })
local state = cmsgpack.pack(account)
local sealed =
  { SCHEMA_VERSION, account[ACCOUNT_ID], account[ACCOUNT_SEQUENCE], to, state }
redis.call('SET', account_key, cmsgpack.pack(sealed))
return { REPLY_DONE, account[ACCOUNT_SEQUENCE], state }
