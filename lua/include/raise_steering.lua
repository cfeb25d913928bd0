-- raise_steering(steer_key, tasks_key, member, kind, reason, now, after): asks for a request to the
-- gateway of a live session ("s:<session id>") or of all that an account has ("a:<account id>"), and
-- wakes who sends them. One task a member: what was not sent yet is replaced, what is being sent
-- is followed by this one. An abort stays an abort, unless the account is in good standing again.
-- after: TASK_AFTER; -1 for a session.
local function raise_steering(steer_key, tasks_key, member, kind, reason, now, after)
  local packed, task = redis.call('HGET', tasks_key, member), {}
  if packed then
    task = cmsgpack.unpack(packed)
    local next_task = task[TASK_NEXT]
    local standing = next_task and next_task[1] or task[TASK_KIND]
    if standing == STEER_ABORT and kind ~= STEER_ABORT and reason ~= STEER_STANDING then
      return
    end
    if task[TASK_LEASED] then
      if kind == STEER_ABORT and standing == STEER_ABORT then
        return
      end
      task[TASK_NEXT] = { kind, reason, now, after }
      redis.call('HSET', tasks_key, member, cmsgpack.pack(task))
      return
    end
  end
  task[TASK_ID] = redis.call('HINCRBY', tasks_key, 'n', 1)
  task[TASK_KIND] = kind
  task[TASK_REASON] = reason
  task[TASK_RAISED] = now
  task[TASK_ATTEMPTS] = 0
  task[TASK_AFTER] = after
  task[TASK_LEASED] = false
  task[TASK_NEXT] = false
  redis.call('HSET', tasks_key, member, cmsgpack.pack(task))
  redis.call('ZADD', steer_key, now, member)
  -- What listens nowhere (or may not) finds the task by looking.
  redis.pcall('PUBLISH', steer_key, member)
end

-- check_steering(steer_key, tasks_key): reads only: keys of the wrong type must fail before a
-- script's first write.
local function check_steering(steer_key, tasks_key)
  redis.call('ZCARD', steer_key)
  redis.call('HLEN', tasks_key)
end
