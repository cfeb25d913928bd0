--- @include "access_record"
-- measure_capacity(books, ask, now, sharing): units of a service that the balances cover, and when the
-- last of them end: 0 where nothing ends them; nil where nothing is counted against a balance.
function nas.measure_capacity(books, ask, now, sharing)
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
    if available_in(bucket) > 0 and ends > 0 then
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
