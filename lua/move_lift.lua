#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "open_buckets"
--- @include "list_eligible"
--- @include "change_buckets"
--- @include "read_owner"
--- @include "read_sealed"
--- @include "check_thresholds"
--- @include "write_entry"
--- @include "arm_account"
--- @include "name_starved"
-- move_lift: a session of a sealed account as it is to stand where the account goes. What it holds of a
-- sharing owner's units stays behind: it goes back to the owner, and use of it that is reported later
-- is the member's own.
--
-- Sessions that wait for units of the owner are told to ask again.
--
-- KEYS account, session, control, outbox, timers, steer, tasks, and the sharing owner's account where
--      the session holds units of his - all of one partition
-- ARGV time in ms or 0, sequence of the moved-out event, session id
-- Reply { REPLY_DONE, the session's fields and values, packed }, none where it is gone
--       { REPLY_OWNER_NEEDED, account id }
--       { REPLY_REPEATED } the account is not sealed by that event (any more)
--       { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events ledger (expiry), threshold: of the owner
local account_key, session_key, control_key, outbox_key, timers_key =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local steer_key, tasks_key, owner_key = KEYS[6], KEYS[7], KEYS[8]
local given, sequence, session_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

forget_owner()
local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
local account, missing = read_sealed(account_key, sequence)
if not account then
  return missing
end
local fields = redis.call('HGETALL', session_key)
local header
for i = 1, #fields, 2 do
  if fields[i] == 'h' then
    header = cmsgpack.unpack(fields[i + 1])
  end
end
if not header or not header[SESSION_OWNER] then
  return { REPLY_DONE, cmsgpack.pack(fields) }
end

-- Read: the owner, who is told by the events what comes back to him.
local owner, lacking = read_owner(owner_key, header[SESSION_OWNER])
if not owner then
  return lacking
end
local writes, events = {}, {}
local now, due = read_time(given, owner[ACCOUNT_LAST_SEEN]), owner[ACCOUNT_NEXT_CHANGE]
if due > 0 and due <= now then
  turn_buckets(owner, events, now)
end
local books = { owner }
local noted, named = note_free(books, session_id), {}

-- give_back(service): the legs of a service without those that are the owner's, who gets them back.
local function give_back(service)
  local legs, kept, units = service[SERVICE_LEGS], {}, 0
  for i = 1, #legs, LEG_WIDTH do
    if is_of_owner(legs[i]) then
      local bucket = find_held({ false, owner }, legs[i])
      if bucket then
        bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] - legs[i + 1]
      end
    else
      local n = #kept
      kept[n + 1], kept[n + 2], kept[n + 3] = legs[i], legs[i + 1], legs[i + 2]
      units = units + legs[i + 2]
    end
  end
  if #kept < #legs then
    service[SERVICE_LEGS], service[SERVICE_GRANTED] = kept, units
    return true
  end
  return false
end

for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 2) == 's:' then
    local service = cmsgpack.unpack(fields[i + 1])
    if give_back(service) then
      fields[i + 1] = cmsgpack.pack(service)
      writes[#writes + 1], writes[#writes + 2] = fields[i], fields[i + 1]
    end
  end
end
header[SESSION_OWNER] = false
for i = 1, #fields, 2 do
  if fields[i] == 'h' then
    fields[i + 1] = cmsgpack.pack(header)
    writes[#writes + 1], writes[#writes + 2] = 'h', fields[i + 1]
  end
end
if noted then
  named = take_starved(books, noted, session_id, now)
  check_steering(steer_key, tasks_key)
end
remember(owner[ACCOUNT_STARVED], session_id, false)
turn_ended(owner, events, now)
check_thresholds(owner, events)
owner[ACCOUNT_LAST_SEEN] = now
redis.call('ZCARD', timers_key)

write_entry(outbox_key, entry_id, now, false, { owner }, { events })
redis.call('SET', owner_key, pack_account(owner))
arm_account(timers_key, owner, due)
for i = 1, #writes, 2 do
  redis.call('HSET', session_key, writes[i], writes[i + 1])
end
raise_starved(steer_key, tasks_key, named, STEER_RELEASE, now)
return { REPLY_DONE, cmsgpack.pack(fields) }
