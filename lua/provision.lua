#!lua
--- @include "read_time"
--- @include "open_partition"
--- @include "read_book"
--- @include "write_entry"
--- @include "raise_steering"
--- @include "new_account"
-- provision: brings an account into being, or changes its standing and profile version.
-- An older profile version than the account's changes nothing: a message that was overtaken.
-- Live sessions are told: they are aborted where the account is not active any more, and ask again
-- where it is active again or has another profile.
--
-- KEYS account, control, outbox, steer, tasks - all of one partition
-- ARGV provision request, packed (PROVISION_ in layout.lua)
-- Reply { REPLY_DONE } changed; { REPLY_REPEATED } nothing to change, or overtaken
--       { REPLY_MOVED, partition }, { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events account
local account_key, control_key, outbox_key = KEYS[1], KEYS[2], KEYS[3]
local steer_key, tasks_key = KEYS[4], KEYS[5]
local request = cmsgpack.unpack(ARGV[1])

local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
local known, missing = read_book(account_key)
if missing and missing[1] ~= REPLY_UNKNOWN_ACCOUNT then
  return missing
end
local account = known or new_account(request[PROVISION_ACCOUNT])
local standing, profile = request[PROVISION_STANDING], request[PROVISION_PROFILE]
local same = account[ACCOUNT_STANDING] == standing and account[ACCOUNT_PROFILE] == profile
if known and (same or profile < account[ACCOUNT_PROFILE]) then
  return { REPLY_REPEATED }
end
local now = read_time(request[PROVISION_NOW], account[ACCOUNT_LAST_SEEN])
local was = account[ACCOUNT_STANDING]
local change = known and ACCOUNT_CHANGED or ACCOUNT_CREATED
account[ACCOUNT_STANDING] = standing
account[ACCOUNT_PROFILE] = profile
account[ACCOUNT_LAST_SEEN] = now
local event = { EVENT_ACCOUNT, change, standing, profile }
check_steering(steer_key, tasks_key)

write_entry(outbox_key, entry_id, now, request[PROVISION_STAMP], { account }, { { event } })
redis.call('SET', account_key, cmsgpack.pack(account))
if known and (standing == STANDING_ACTIVE or was == STANDING_ACTIVE) then
  local kind = standing == STANDING_ACTIVE and STEER_REAUTHORISE or STEER_ABORT
  local reason = standing ~= was and STEER_STANDING or STEER_PROFILE
  local member, sequence = 'a:' .. account[ACCOUNT_ID], account[ACCOUNT_SEQUENCE]
  raise_steering(steer_key, tasks_key, member, kind, reason, now, sequence)
end
return { REPLY_DONE }
