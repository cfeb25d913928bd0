#!lua flags=allow-oom
--- @include "read_time"
--- @include "open_partition"
--- @include "read_book"
--- @include "open_buckets"
--- @include "write_entry"
--- @include "raise_steering"
--- @include "steering_event"
-- claim: takes a due task of steering for one process, until its lease ends. A task that has become
-- pointless (the session ended or came back by itself, the account's standing is another again) is
-- dropped instead.
--
-- KEYS account, session (the account's key again for an account's task), control, outbox, steer,
--      tasks
-- ARGV time in ms or 0, member ("s:<session id>" or "a:<account id>"), lease in ms
-- Reply { REPLY_DONE, packed task (TASK_) }
--       { REPLY_NOT_DUE } taken by another, gone, or the account is on its way elsewhere
--       { REPLY_REFUSED } dropped; { REPLY_FENCED }, { REPLY_NEWER_STATE }
-- Events steering, where something had been sent for a task that is dropped
local account_key, session_key, control_key, outbox_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local steer_key, tasks_key = KEYS[5], KEYS[6]
local given, member, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local entry_id = open_partition(control_key)
if not entry_id then
  return { REPLY_FENCED }
end
-- Of an account that has moved the sessions have gone with it; of one on its way the tasks follow.
local account, missing, sealed = read_book(account_key)
if missing and missing[1] == REPLY_NEWER_STATE then
  return missing
elseif sealed then
  return { REPLY_NOT_DUE }
end
local due = redis.call('ZSCORE', steer_key, member)
local stored = redis.call('HGET', tasks_key, member)
local now = read_time(given, account and account[ACCOUNT_LAST_SEEN] or 0)
if not due or tonumber(due) > now then
  return { REPLY_NOT_DUE }
end
if not stored then
  redis.call('ZREM', steer_key, member)
  return { REPLY_NOT_DUE }
end
local task = cmsgpack.unpack(stored)
local following = task[TASK_NEXT]
if following then
  -- Who was sending has gone without a word; what was raised meanwhile counts.
  task[TASK_ID] = redis.call('HINCRBY', tasks_key, 'n', 1)
  task[TASK_KIND], task[TASK_REASON] = following[1], following[2]
  task[TASK_RAISED], task[TASK_AFTER] = following[3], following[4]
  task[TASK_ATTEMPTS], task[TASK_NEXT] = 0, false
end
local is_session = string.byte(member) == 115
local header, stamp, asks = nil, false, false
if is_session then
  local read = redis.call('HMGET', session_key, 'h', 'm', 'r')
  header, stamp = read[1] and cmsgpack.unpack(read[1]) or nil, read[2]
  -- A NAS does not ask for units: it is told.
  asks = not read[3]
end

-- came_back(): whether every service that waits for units has asked again since the first attempt.
local function came_back()
  local waiting = header[SESSION_STARVED]
  for i = 1, #waiting do
    local service = cmsgpack.unpack(redis.call('HGET', session_key, 's:' .. waiting[i]))
    if task[TASK_AFTER] < 0 or service[SERVICE_NUMBER] <= task[TASK_AFTER] then
      return false
    end
  end
  return true
end

-- why_not(): the outcome of a task that needs nothing any more, or nil.
local function why_not()
  if not account or (is_session and (not header or header[SESSION_STATE] ~= SESSION_OPEN)) then
    return STEERED_SESSION_ENDED
  end
  local reason = task[TASK_REASON]
  if reason == STEER_STANDING then
    local active = account[ACCOUNT_STANDING] == STANDING_ACTIVE
    if active == (task[TASK_KIND] == STEER_ABORT) then
      return STEERED_WITHDRAWN
    end
  elseif asks and (reason == STEER_CREDIT or reason == STEER_RELEASE) and came_back() then
    return STEERED_CAME_BACK
  end
  return nil
end

local moot = why_not()
if moot then
  if is_session and account and task[TASK_ATTEMPTS] > 0 then
    local events = { steering_event(member, task, moot, false, true) }
    write_entry(outbox_key, entry_id, now, stamp, { account }, { events })
    redis.call('SET', account_key, pack_account(account))
  end
  follow_task(steer_key, tasks_key, member, task, now)
  return { REPLY_REFUSED }
end
if is_session and task[TASK_AFTER] < 0 then
  task[TASK_AFTER] = header[SESSION_LAST_NUMBER]
end
task[TASK_ATTEMPTS] = task[TASK_ATTEMPTS] + 1
task[TASK_LEASED] = true
local claimed = cmsgpack.pack(task)
redis.call('HSET', tasks_key, member, claimed)
redis.call('ZADD', steer_key, now + lease, member)
return { REPLY_DONE, claimed }
