-- write_entry(outbox_key, epoch, now, stamp, account, events): appends one entry with the events of
-- this call and raises the account's sequence by their number. The first write of every script: a
-- stream of the wrong type or an epoch behind fails here, before anything else has changed.
-- The id `<epoch>-*` makes Redis count n up without a gap.
local function write_entry(outbox_key, epoch, now, stamp, account, events)
  if #events == 0 then
    return
  end
  local first = account[ACCOUNT_SEQUENCE] + 1
  local entry = { SCHEMA_VERSION, now, stamp, { { account[ACCOUNT_ID], first, events } } }
  redis.call('XADD', outbox_key, epoch .. '-*', 'e', cmsgpack.pack(entry))
  account[ACCOUNT_SEQUENCE] = account[ACCOUNT_SEQUENCE] + #events
end
