--- @include "moved_to"
-- bar_arrival(key, sequence): the reply that says why an account, sealed by the moved-out event of this
-- sequence, may not arrive in this partition; nil where it may.
local function bar_arrival(key, sequence)
  local packed = redis.call('GET', key)
  if not packed then
    return nil
  end
  local here = cmsgpack.unpack(packed)
  if here[ACCOUNT_VERSION] > SCHEMA_VERSION then
    return { REPLY_NEWER_STATE }
  end
  if not moved_to(here) or here[ACCOUNT_SEQUENCE] >= sequence then
    return { REPLY_REPEATED }
  end
  return here[MOVED_STATE] and { REPLY_NOT_DUE } or nil
end
