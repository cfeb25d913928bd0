--- @include "moved_to"
-- read_sealed(key, sequence): an account that was sealed by the moved-out event of this sequence and has
-- not arrived yet; or nil and the reply that says why not.
local function read_sealed(key, sequence)
  local packed = redis.call('GET', key)
  if not packed then
    return nil, { REPLY_REPEATED }
  end
  local account = cmsgpack.unpack(packed)
  if account[ACCOUNT_VERSION] > SCHEMA_VERSION then
    return nil, { REPLY_NEWER_STATE }
  end
  if not moved_to(account) or account[ACCOUNT_SEQUENCE] ~= sequence or not account[MOVED_STATE] then
    return nil, { REPLY_REPEATED }
  end
  return account
end
