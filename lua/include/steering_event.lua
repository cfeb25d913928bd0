-- steering_event(member, task, outcome, detail, final): what became of an attempt to steer a session.
local function steering_event(member, task, outcome, detail, final)
  return {
    EVENT_STEERING,
    string.sub(member, 3),
    task[TASK_KIND],
    task[TASK_REASON],
    outcome,
    detail,
    task[TASK_ATTEMPTS],
    task[TASK_RAISED],
    final,
  }
end

-- follow_task(steer_key, tasks_key, member, task, now): ends a task: what was raised while it was
-- being sent takes its place, or nothing does.
local function follow_task(steer_key, tasks_key, member, task, now)
  local following = task[TASK_NEXT]
  redis.call('HDEL', tasks_key, member)
  redis.call('ZREM', steer_key, member)
  if following then
    raise_steering(steer_key, tasks_key, member, following[1], following[2], now, following[4])
  end
end
