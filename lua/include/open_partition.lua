-- The fence. A partition is open in the reign in which it was opened: the process of Redis that
-- runs, since it was last promoted. A restart and a promotion begin another one, in which everything
-- is closed until recovery has compared it with the record (lua/open.lua).
--
-- Control values known to be of this reign, with the id of the next entry in their epoch, `<epoch>-*`.
-- Lost with the process, as it should be. A replica runs no scripts, so what it takes over it has to find
-- out; a master that was made a replica in between comes back with the other's values, or with a whole
-- copy of its data, for which Redis makes this library anew.
local entry_ids, fence = {}, { values = 0, values_max = 1024 }

-- fence.reign(): names the reign, or nil on a server that is no master.
function fence.reign()
  local info = redis.call('INFO', 'server', 'replication')
  if not string.find(info, '\nrole:master', 1, true) then
    return nil
  end
  return string.match(info, '\nrun_id:(%x%x%x%x%x%x%x%x)')
    .. string.match(info, '\nmaster_replid:(%x%x%x%x%x%x%x%x)')
end

-- fence.lineage(): names the life of this library in this server; '' on one that never was a master.
-- The library is made anew where Redis starts and where it takes over another server's data, so that
-- what was written while it had one name was not lost before it has another.
function fence.lineage()
  fence.named = fence.named or fence.reign()
  return fence.named or ''
end

-- fence.telling(script): the script with the lineage before its reply: { lineage, reply }.
function fence.telling(script)
  return function(keys, arguments)
    local reply = script(keys, arguments)
    return { fence.lineage(), reply }
  end
end

-- fence.entry_id(control): the id of the next entry in the epoch of a control value that was not met
-- before; nil where it is of another reign, where recovery holds the partition ("fenced:...") or where
-- there is none: an emptied Redis must not look like empty accounts.
function fence.entry_id(control)
  local epoch, reign = string.match(control or '', '^(%d+):(%x+)$')
  if not epoch or reign ~= fence.reign() then
    return nil
  end
  if fence.values == fence.values_max then
    entry_ids, fence.values = {}, 0
  end
  entry_ids[control], fence.values = epoch .. '-*', fence.values + 1
  return entry_ids[control]
end

-- open_partition(control_key): the id of the next entry of an open partition, by which Redis counts on
-- without a gap in its epoch; or nil while it is closed.
local function open_partition(control_key)
  local control = redis.call('GET', control_key)
  return entry_ids[control] or fence.entry_id(control)
end
