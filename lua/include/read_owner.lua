--- @include "read_book"
-- read_owner(key, id): the sharing owner whose units a session holds; or nil and the reply that says why
-- not: he has another key (none is given where the caller knew of no owner), or is newer.
local function read_owner(key, id)
  local owner, missing
  if key then
    owner, missing = read_book(key)
  end
  if missing and missing[1] == REPLY_NEWER_STATE then
    return nil, missing
  end
  if not owner or owner[ACCOUNT_ID] ~= id then
    return nil, { REPLY_OWNER_NEEDED, id }
  end
  return owner
end
