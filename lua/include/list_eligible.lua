-- compare_buckets(a, b, unit_order, money_order, sharing): true when a is consumed before b.
-- The order is total: priority, own before shared or shared before own, units before money, the
-- resource's consumption order, creation time, id.
local function compare_buckets(a, b, unit_order, money_order, sharing)
  if a[BUCKET_PRIORITY] ~= b[BUCKET_PRIORITY] then
    return a[BUCKET_PRIORITY] < b[BUCKET_PRIORITY]
  end
  if sharing then
    local shared_a, shared_b = owned_by_owner[a], owned_by_owner[b]
    if shared_a ~= shared_b then
      return (shared_a == true) == (sharing[SHARING_ORDER] == SHARING_SHARED_FIRST)
    end
  end
  local kind = a[BUCKET_KIND]
  if kind ~= b[BUCKET_KIND] then
    return kind < b[BUCKET_KIND]
  end
  local order = kind == KIND_MONEY and money_order or unit_order
  local left, right
  if order == ORDER_EARLIEST_EXPIRING then
    left, right = a[BUCKET_END], b[BUCKET_END]
    -- 0 is open-ended: consumed after anything that ends.
    if left == 0 then
      left = AVAILABLE_MAX
    end
    if right == 0 then
      right = AVAILABLE_MAX
    end
  elseif order == ORDER_EARLIEST_STARTED then
    left, right = a[BUCKET_START], b[BUCKET_START]
  elseif order == ORDER_LATEST_STARTED then
    left, right = b[BUCKET_START], a[BUCKET_START]
  elseif order == ORDER_SMALLEST then
    left, right = a[BUCKET_REMAINING] - a[BUCKET_RESERVED], b[BUCKET_REMAINING] - b[BUCKET_RESERVED]
  else
    left, right = b[BUCKET_REMAINING] - b[BUCKET_RESERVED], a[BUCKET_REMAINING] - a[BUCKET_RESERVED]
  end
  if left ~= right then
    return left < right
  end
  if a[BUCKET_CREATED] ~= b[BUCKET_CREATED] then
    return a[BUCKET_CREATED] < b[BUCKET_CREATED]
  end
  return a[BUCKET_ID] < b[BUCKET_ID]
end

-- contains(set, value): whether a scope set (false: anything) holds the value.
local function contains(set, value)
  if not set then
    return true
  end
  for i = 1, #set do
    if set[i] == value then
      return true
    end
  end
  return false
end

-- contains_any(set, values): whether a scope set (false: anything) holds one of the values.
local function contains_any(set, values)
  if not set then
    return true
  end
  for i = 1, #values do
    if contains(set, values[i]) then
      return true
    end
  end
  return false
end

-- in_open_band(set, bands, now): whether a band of a scope set (false: anything) is open now; bands
-- come with the request as { from, until, band }.
local function in_open_band(set, bands, now)
  if not set then
    return true
  end
  for i = 1, #bands do
    local band = bands[i]
    if band[1] <= now and now < band[2] and contains(set, band[3]) then
      return true
    end
  end
  return false
end

-- in_scope(scope, terms, now): whether a bucket's scope takes the service of a request.
local function in_scope(scope, terms, now)
  return contains(scope[SCOPE_CONTEXTS], terms[TERMS_CONTEXT])
    and contains(scope[SCOPE_RATING_GROUPS], terms[TERMS_RATING_GROUP])
    and contains_any(scope[SCOPE_ZONES], terms[TERMS_ZONES])
    and in_open_band(scope[SCOPE_BANDS], terms[TERMS_BANDS], now)
end

-- is_eligible(bucket, terms, now): active or armed, valid now, in scope. Whether anything is left in
-- it is the walk's to find.
local function is_eligible(bucket, terms, now)
  local state, ends = bucket[BUCKET_STATE], bucket[BUCKET_END]
  return (state == STATE_ACTIVE or state == STATE_ARMED)
    and bucket[BUCKET_START] <= now
    and (ends == 0 or ends > now)
    and (not bucket[BUCKET_SCOPE] or in_scope(bucket[BUCKET_SCOPE], terms, now))
end

-- A list of eligible buckets is filled as far as a walk gets: buckets are stored in the default
-- order, and most walks end at the first.
local LIST_BUCKETS, LIST_NEXT, LIST_ACCOUNT, LIST_TERMS, LIST_CURRENCY, LIST_NOW = 1, 2, 3, 4, 5, 6

-- nth_eligible(list, n): the n-th bucket of a list in consumption order, or nil past its end.
local function nth_eligible(list, n)
  local found = list[LIST_BUCKETS]
  local account = list[LIST_ACCOUNT]
  if found[n] or not account then
    return found[n]
  end
  local buckets, place = account[ACCOUNT_BUCKETS], list[LIST_NEXT]
  local terms, currency, now = list[LIST_TERMS], list[LIST_CURRENCY], list[LIST_NOW]
  local unit, count = terms[TERMS_UNIT], #found
  while place < #buckets and count < n do
    local resource = buckets[place + 1]
    if resource == unit or resource == currency then
      local bucket = open_bucket(buckets, place + 2)
      if is_eligible(bucket, terms, now) then
        count = count + 1
        found[count] = bucket
      end
    end
    place = place + 3
  end
  list[LIST_NEXT] = place
  return found[n]
end

-- add_shared(list, owner, sharing): adds what the owner's buckets offer to a member's service.
local function add_shared(list, owner, sharing)
  local found, terms = list[LIST_BUCKETS], list[LIST_TERMS]
  if sharing[SHARING_SCOPE] and not in_scope(sharing[SHARING_SCOPE], terms, list[LIST_NOW]) then
    return
  end
  local buckets = owner[ACCOUNT_BUCKETS]
  for i = 1, #buckets, 3 do
    local resource = buckets[i + 1]
    if
      (resource == terms[TERMS_UNIT] or resource == list[LIST_CURRENCY])
      and contains(sharing[SHARING_RESOURCES], resource)
    then
      local bucket = open_bucket(buckets, i + 2)
      if is_eligible(bucket, terms, list[LIST_NOW]) then
        found[#found + 1] = bucket
      end
    end
  end
end

-- list_eligible(books, terms, window, now, sharing): the buckets that may pay for a service now: right
-- resource (or money of the rate's currency), valid, in scope; the sharing owner's among them.
local function list_eligible(books, terms, window, now, sharing)
  local currency = window and window[WINDOW_CURRENCY] or false
  local list = { {}, 1, books[1], terms, currency, now }
  local unit_order, money_order = terms[TERMS_UNIT_ORDER], terms[TERMS_MONEY_ORDER]
  local stored = unit_order == ORDER_EARLIEST_EXPIRING and money_order == ORDER_EARLIEST_EXPIRING
  if not stored or books[2] then
    -- Another order than the stored one: all of them, sorted.
    local count = 0
    while nth_eligible(list, count + 1) do
      count = count + 1
    end
    list[LIST_ACCOUNT] = false
    if books[2] then
      add_shared(list, books[2], sharing)
    end
    table.sort(list[LIST_BUCKETS], function(a, b)
      return compare_buckets(a, b, unit_order, money_order, sharing)
    end)
  end
  return list
end

-- list_of(buckets): a list of just these.
local function list_of(buckets)
  return { buckets, 0, false }
end
