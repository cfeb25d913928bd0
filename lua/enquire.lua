#!lua flags=no-writes
--- @include "charge_session"
-- enquire: how many of the units that a request names the buckets would cover now, service by
-- service, each as if it came alone. Changes nothing.
--
-- KEYS account, control, and the sharing owner's account where there is one
-- ARGV request, packed (REQUEST_ in layout.lua); ASK_USED are the units asked about
-- Reply { REPLY_DONE, units covered by service, packed }
--       { REPLY_MOVED, partition }
--       { a refusal }: FENCED, NEWER_STATE, UNKNOWN_ACCOUNT, STALE_PROFILE, SERVICE_DENIED,
--         AUTHORIZATION_REJECTED
local request = cmsgpack.unpack(ARGV[1])
forget_owner()
forget_opened()
if not open_partition(KEYS[2]) then
  return { REPLY_FENCED }
end
local account, missing = read_book(KEYS[1])
if not account then
  return missing
end
if account[ACCOUNT_PROFILE] ~= request[REQUEST_PROFILE] then
  return { REPLY_STALE_PROFILE }
end
local standing = account[ACCOUNT_STANDING]
if standing ~= STANDING_ACTIVE then
  return { standing == STANDING_CLOSED and REPLY_AUTHORIZATION_REJECTED or REPLY_SERVICE_DENIED }
end
local books, sharing = { account }, request[REQUEST_SHARING]
if sharing then
  books[2], missing = read_book(KEYS[3])
  if not books[2] then
    return missing[1] == REPLY_MOVED and { REPLY_UNKNOWN_ACCOUNT } or missing
  end
  mark_owner(books[2])
  if books[2][ACCOUNT_STANDING] ~= STANDING_ACTIVE then
    sharing[SHARING_RESOURCES] = {}
  end
end
local now = read_time(request[REQUEST_NOW], account[ACCOUNT_LAST_SEEN])
local covered, asks = {}, request[REQUEST_SERVICES]
for i = 1, #asks do
  local ask = asks[i]
  local terms = open_terms(ask[ASK_TERMS])
  local window = pick_window(terms[TERMS_WINDOWS], now)
  covered[i] = 0
  if window or #terms[TERMS_WINDOWS] == 0 then
    local list = list_eligible(books, terms, window, now, sharing)
    local service = new_service(terms[TERMS_UNIT])
    covered[i] = capacity_of(list, account, service, window, ask[ASK_USED])
  end
end
return { REPLY_DONE, cmsgpack.pack(covered) }
