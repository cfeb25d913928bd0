-- write_entry(outbox_key, entry_id, now, stamp, books, events): appends one entry with the events of
-- this call, a section for each account that has any, and raises the accounts' sequences by their
-- number. The first write of every script: a stream of the wrong type or an epoch behind fails here,
-- before anything else has changed. The id `<epoch>-*` makes Redis count n up without a gap.
local function write_entry(outbox_key, entry_id, now, stamp, books, events)
  local sections = {}
  for b = 1, #books do
    if #events[b] > 0 then
      local account = books[b]
      local first = account[ACCOUNT_SEQUENCE] + 1
      sections[#sections + 1] = { account[ACCOUNT_ID], first, events[b] }
      account[ACCOUNT_SEQUENCE] = account[ACCOUNT_SEQUENCE] + #events[b]
    end
  end
  if #sections > 0 then
    local id, entry = entry_id, cmsgpack.pack({ SCHEMA_VERSION, now, stamp and true, sections })
    if stamp then
      redis.call('XADD', outbox_key, id, 'e', entry, 's', stamp)
    else
      redis.call('XADD', outbox_key, id, 'e', entry)
    end
  end
end
