#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "read_book"
--- @include "open_buckets"
--- @include "write_entry"
--- @include "raise_steering"
--- @include "steering_event"
-- conclude: says what became of an attempt of steering, and ends its task or sets it for later. A
-- session that its gateway doesn't know is given to the sweeper: its reservations go back.
--
-- KEYS account, session (the account's key again for an account's task), control, outbox, timers,
--      steer, tasks
-- ARGV conclusion, packed (CONCLUSION_ in layout.lua); AGAIN_MS 0: the task ends
-- Reply { REPLY_DONE }
--       { REPLY_REPEATED } the task is another by now; { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events steering, for a session
local account_key, session_key, control_key, outbox_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local timers_key, steer_key, tasks_key = KEYS[5], KEYS[6], KEYS[7]
local conclusion = cmsgpack.unpack(ARGV[1])
local member, outcome = conclusion[CONCLUSION_MEMBER], conclusion[CONCLUSION_OUTCOME]
local again = conclusion[CONCLUSION_AGAIN_MS]

local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
local stored = redis.call('HGET', tasks_key, member)
local task = stored and cmsgpack.unpack(stored) or nil
if
  not task
  or task[TASK_ID] ~= conclusion[CONCLUSION_TASK]
  or task[TASK_ATTEMPTS] ~= conclusion[CONCLUSION_ATTEMPT]
  or not task[TASK_LEASED]
then
  return { REPLY_REPEATED }
end
local is_session = string.byte(member) == 115
-- Of an account that has moved the sessions have gone with it.
local account, missing = read_book(account_key)
if missing and missing[1] == REPLY_NEWER_STATE then
  return missing
end
check_steering(steer_key, tasks_key)
redis.call('ZCARD', timers_key)
local now = read_time(conclusion[CONCLUSION_NOW], account and account[ACCOUNT_LAST_SEEN] or 0)

if is_session and account then
  local read = redis.call('HMGET', session_key, 'h', 'm')
  local header = read[1] and cmsgpack.unpack(read[1]) or nil
  local detail = conclusion[CONCLUSION_DETAIL]
  local events = { steering_event(member, task, outcome, detail, again == 0) }
  write_entry(outbox_key, entry_id, now, read[2], { account }, { events })
  redis.call('SET', account_key, pack_account(account))
  if outcome == STEERED_UNKNOWN_SESSION and header and header[SESSION_STATE] == SESSION_OPEN then
    header[SESSION_DEADLINE], header[SESSION_TIMER] = now, now
    redis.call('HSET', session_key, 'h', cmsgpack.pack(header))
    redis.call('ZADD', timers_key, now, member)
  end
end
if again == 0 or task[TASK_NEXT] then
  follow_task(steer_key, tasks_key, member, task, now)
else
  task[TASK_LEASED] = false
  redis.call('HSET', tasks_key, member, cmsgpack.pack(task))
  redis.call('ZADD', steer_key, now + again, member)
end
return { REPLY_DONE }
