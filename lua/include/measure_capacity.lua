--- @include "access_record"
-- measure_capacity(books, ask, now, sharing, holds): units of a service that the balances cover, and
-- when the last of them end: 0 where nothing ends them; nil where nothing is counted against a
-- balance. With `holds`, a bucket of which all is reserved counts for the end too.
function nas.measure_capacity(books, ask, now, sharing, holds)
  local terms, account = open_terms(ask[ASK_TERMS]), books[1]
  local window = pick_window(terms[TERMS_WINDOWS], now)
  if window and window[WINDOW_KIND] ~= WINDOW_CHARGED then
    return nil, 0
  end
  if #terms[TERMS_WINDOWS] > 0 and not window then
    return 0, 0
  end
  local owned = sharing
  if books[2] and books[2][ACCOUNT_STANDING] ~= STANDING_ACTIVE then
    owned = { sharing[SHARING_OWNER], sharing[SHARING_ORDER], sharing[SHARING_SCOPE], {} }
  end
  local list = list_eligible(books, terms, window, now, owned)
  local left = capacity_of(list, account, new_service(terms[TERMS_UNIT]), window, AVAILABLE_MAX)
  local ends, n = account[ACCOUNT_PENDING] > 0 and 0 or now, 1
  local bucket = nth_eligible(list, n)
  while bucket do
    local counts = available_in(bucket) > 0 or (holds and bucket[BUCKET_RESERVED] > 0)
    if counts and ends > 0 then
      local until_ms = bucket[BUCKET_END]
      if bucket[BUCKET_STATE] == STATE_ARMED and bucket[BUCKET_DURATION] > 0 then
        until_ms = now + bucket[BUCKET_DURATION]
      end
      ends = until_ms > 0 and math.max(ends, until_ms) or 0
    end
    n = n + 1
    bucket = nth_eligible(list, n)
  end
  return left, ends
end

-- shared_limit(terms, left, sessions_max): the part of what is left of a service with these terms that
-- the NAS is told: with several sessions they split it rather than each having all.
function nas.shared_limit(terms, left, sessions_max)
  if sessions_max == 1 then
    return left
  end
  local share, rest = terms[TERMS_SHARE_PERCENT], left % 100
  return math.max(1, (left - rest) / 100 * share + math.floor(rest * share / 100))
end

-- earlier_end(one, other): of two ends, each 0 for none.
function nas.earlier_end(one, other)
  if one == 0 or (other > 0 and other < one) then
    return other
  end
  return one
end

-- reserved_units(session_key, key): what a service of a session holds.
function nas.reserved_units(session_key, key)
  local stored, units = redis.call('HGET', session_key, 's:' .. key), 0
  if stored then
    local legs = cmsgpack.unpack(stored)[SERVICE_LEGS]
    for i = 3, #legs, 3 do
      units = units + legs[i]
    end
  end
  return units
end

-- read_books(account_key, owner_key, sharing): the accounts that pay for a session; nil where its own
-- one may not use anything.
function nas.read_books(account_key, owner_key, sharing)
  local books = { (read_book(account_key)) }
  if not books[1] or books[1][ACCOUNT_STANDING] ~= STANDING_ACTIVE then
    return nil
  end
  if sharing then
    books[2] = read_book(owner_key)
    if not books[2] then
      return nil
    end
    mark_owner(books[2])
  end
  return books
end

-- measure_session(books, session_key, request, gauges, track, grown, sessions_max, now): what a live
-- session may come to, by service, as totals of its NAS; whether a service of it can be given nothing
-- more, and when what it may use ends. grown: upload, download and seconds of the track that are still
-- to be charged.
function nas.measure_session(books, session_key, request, gauges, track, grown, sessions_max, now)
  local limits, spent, ends_at = {}, false, 0
  for i, ask in ipairs(request[REQUEST_SERVICES]) do
    local held = nas.reserved_units(session_key, ask[ASK_KEY])
    local left, ends = nas.measure_capacity(books, ask, now, request[REQUEST_SHARING], held > 0)
    limits[i] = false
    if left then
      local due = nas.gauge(gauges[i], grown[1], grown[2], grown[3])
      left, held = math.max(left + held - due, 0), math.max(held - due, 0)
      spent = spent or left < 1
      local share = left > 0 and nas.shared_limit(open_terms(ask[ASK_TERMS]), left, sessions_max) or 0
      local counted = nas.counted_by(track, gauges[i])
      limits[i] = math.min(counted + math.max(held, share), AMOUNT_LIMIT - 1)
      ends_at = left > 0 and nas.earlier_end(ends_at, ends) or ends_at
    end
  end
  return limits, spent, ends_at
end
