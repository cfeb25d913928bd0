#!lua flags=allow-oom,no-writes
--- @include "open_partition"
-- fence: how a partition stands, for recovery.
--
-- KEYS control, outbox
-- ARGV -
-- Reply { REPLY_DONE, whether it is open (1 or 0), its control value or "", the reign of this
--         server or "", the last entry ever added to the outbox or "" }
local control_key, outbox_key = KEYS[1], KEYS[2]

local last = ''
if redis.call('EXISTS', outbox_key) == 1 then
  local info = redis.call('XINFO', 'STREAM', outbox_key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = info[i + 1]
    end
  end
end
return {
  REPLY_DONE,
  open_partition(control_key) and 1 or 0,
  redis.call('GET', control_key) or '',
  fence.reign() or '',
  last,
}
