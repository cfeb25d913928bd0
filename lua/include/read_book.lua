--- @include "moved_to"
-- read_book(key): an account that is here and that this version understands; or nil and the reply that
-- says why not, and the packed state of one that is on its way elsewhere.
local function read_book(key)
  local packed = redis.call('GET', key)
  if not packed then
    return nil, { REPLY_UNKNOWN_ACCOUNT }
  end
  local account = cmsgpack.unpack(packed)
  if account[ACCOUNT_VERSION] > SCHEMA_VERSION then
    return nil, { REPLY_NEWER_STATE }
  end
  if moved_to(account) then
    return nil, { REPLY_MOVED, moved_to(account) }, account[MOVED_STATE]
  end
  return account
end
