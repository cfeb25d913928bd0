--- @include "charge_plainly"
--- @include "read_pair"
--- @include "access_record"
--- @include "measure_capacity"
-- admit_plainly(keys, args): the login that nearly every login is, decided the short way: by an active
-- account that pays for itself, without fair use, whose services all have a price, or none, now, and
-- are covered by buckets in use, of units and then of money, the first of which has plenty of units.
-- Returns the reply, or nil having changed nothing: then it is the rest of admit.lua that answers, whose
-- rules these are. Both leave the same behind.

-- Of one call; kept so that no call makes tables.
local plain_admit = blank_row(ADMIT_GAUGES)
local asked_rates, asked_gauges, told_limits = blank_row(GAUGE_SECONDS), {}, {}
-- The five of LIVE_ from LIVE_NAS on, packed one behind the other; whether neither the session nor an answer
-- to this login is there.
local plain_place, is_unheard_of

-- read_admission(packed): reads who asks to come in. Returns how many services are counted; nil for one
-- that is not plain.
local function read_admission(packed)
  if byte(packed, 1) ~= PACKED_LONG_ARRAY then
    return nil
  end
  local admit, rates = plain_admit, asked_rates
  local place_at, place_until, rates_at, gauges_at
  place_at, admit[ADMIT_EXPIRES_AT], admit[ADMIT_SESSIONS_MAX] = unpack_some(packed, 2, 3)
  place_until, admit[ADMIT_NAS], admit[ADMIT_KEY], admit[ADMIT_STATION], admit[ADMIT_PORT], admit[ADMIT_USER] =
    unpack_some(packed, 5, place_at)
  plain_place = sub(packed, place_at + 1, place_until)
  rates_at, admit[ADMIT_INTERIM_MIN_S], admit[ADMIT_INTERIM_MAX_S], admit[ADMIT_PROVISIONAL_MS], admit[ADMIT_ANSWER_MS] =
    unpack_some(packed, 4, place_until)
  gauges_at, rates[1], rates[2], rates[3], rates[4] = unpack_some(packed, 4, rates_at + 1)
  local count, caps_at = read_pair(packed, gauges_at, asked_gauges)
  if not count or byte(packed, caps_at + 1) ~= PACKED_ARRAY then
    return nil
  end
  return count
end

-- keep_live(access, id, now): the sessions of the account that are live, as packed, and how many they
-- are; nil where the record is not plain, or as many are live as may be.
local function keep_live(access, id, now)
  if not access then
    return '', 0
  end
  if byte(access, 1) ~= PACKED_ARRAY + ACCESS_CAPS or byte(access, 2) ~= SCHEMA_VERSION then
    return nil
  end
  local admit = plain_admit
  local user, name, station = admit[ADMIT_USER], admit[ADMIT_NAS], admit[ADMIT_STATION]
  local port, most = admit[ADMIT_PORT], admit[ADMIT_SESSIONS_MAX]
  local count, at = array_size(access, 2)
  local kept, from, live, others = '', at, 0, 0
  for _ = 1, count do
    if byte(access, at + 1) ~= PACKED_ARRAY + LIVE_BOUND then
      return nil
    end
    local till, live_id, until_ms, _, live_nas, _, live_station, live_port, live_user =
      unpack_some(access, LIVE_BOUND, at + 1)
    if live_id == id then
      return nil
    elseif until_ms <= now then
      kept, from = kept .. sub(access, from + 1, at), till
    else
      live = live + 1
      local here = live_nas == name
        and nas.same_spot(station, port, live_station, live_port)
      if live_user == user and not here then
        others = others + 1
      end
    end
    at = till
  end
  local crowded = most > 0 and others >= most
  -- An array of up to 15 has its length in one octet; behind it nothing is counted for fair use.
  if crowded or live >= 15 or #access ~= at + 1 or byte(access, at + 1) ~= PACKED_ARRAY then
    return nil
  end
  return kept .. sub(access, from + 1, at), live
end

-- pending_buckets(): how many buckets of the account wait for another; all of them were met. They are
-- said behind three arrays, most of them empty.
local function pending_buckets()
  if #account_bytes == next_bucket + 4 then
    return byte(account_bytes, next_bucket + 4)
  end
  local _, _, _, _, pending = unpack_some(account_bytes, 4, next_bucket)
  return pending
end

-- is_flat(line): whether each unit of a line costs the same, and nothing else does.
local function is_flat(line)
  if line[LINE_FLAT] == nil then
    local pulses = line[LINE_PULSES]
    line[LINE_FLAT] = #pulses == 2
      and pulses[1] == 0
      and pulses[2] == 1
      and #line[LINE_TIERS] == 3
      and line[LINE_CONNECTION] == 0
      and line[LINE_MINIMUM] == 0
      and not line[LINE_CAP]
  end
  return line[LINE_FLAT]
end

-- flat_units(line, money): the most units of a flat line that money pays for.
local function flat_units(line, money)
  local tiers, most = line[LINE_TIERS], line[LINE_UNITS_MAX]
  local units = money > 0 and units_of(tiers[2], tiers[3], money) or 0
  return units < most and units or most
end

-- measure_plainly(terms, window, now): what measure_capacity says of a service, where buckets of units and
-- then one run of money are all that may pay for it; else nil.
local function measure_plainly(terms, window, now)
  local unit, currency = terms[TERMS_UNIT], window and window[WINDOW_CURRENCY]
  local left, money, ends, i = 0, nil, now, 1
  local bucket = met_count > 0 and met_buckets[1] or meet_bucket()
  while bucket do
    local resource = bucket[BUCKET_RESOURCE]
    if resource == unit or resource == currency then
      local is_open = bucket[BUCKET_KIND] or open_met(bucket, true)
      if is_open == nil then
        return nil
      end
      if is_open and is_eligible(bucket, terms, now) then
        local available = available_in(bucket)
        local is_money = bucket[BUCKET_KIND] == KIND_MONEY
        if
          bucket[BUCKET_STATE] ~= STATE_ACTIVE
          or bucket[BUCKET_STEP] > 1
          or bucket[BUCKET_BLOCKER]
          or (money and not is_money)
        then
          return nil
        end
        if is_money then
          money = (money or 0) + available
          money = money < AVAILABLE_MAX and money or AVAILABLE_MAX
        else
          left = left + available
          left = left < AVAILABLE_MAX and left or AVAILABLE_MAX
        end
        if available > 0 and ends > 0 then
          local until_ms = bucket[BUCKET_END]
          if until_ms == 0 or until_ms > ends then
            ends = until_ms
          end
        end
      end
    end
    i = i + 1
    bucket = i <= met_count and met_buckets[i] or meet_bucket()
  end
  if money then
    local line = window[WINDOW_LINE]
    if line[LINE_COUNTER] then
      return nil
    end
    left = left
      + (is_flat(line) and flat_units(line, money) or affordable_units(line, blank_meter, money))
    left = left < AVAILABLE_MAX and left or AVAILABLE_MAX
  end
  return left, pending_buckets() > 0 and 0 or ends
end

-- measure_services(count, now): what each service may come to. Returns when what the session may use
-- ends, and how long its NAS may be silent; nil where a service is not plain or has nothing left.
local function measure_services(count, now)
  local admit, quarter = plain_admit, AVAILABLE_MAX
  local ends_at = admit[ADMIT_EXPIRES_AT]
  for i = 1, count do
    local service = plain_services[i]
    local terms = service[PLAIN_TERMS]
    local window = pick_window(terms[TERMS_WINDOWS], now)
    if
      service[PLAIN_REPORTED] > 0
      or (not window and #terms[TERMS_WINDOWS] > 0)
      or (window and window[WINDOW_KIND] ~= WINDOW_CHARGED)
    then
      return nil
    end
    local left, ends = measure_plainly(terms, window, now)
    if not left or left < 1 then
      return nil
    end
    local limit = nas.shared_limit(terms, left, admit[ADMIT_SESSIONS_MAX])
    service[PLAIN_WINDOW], told_limits[i] = window or false, limit
    ends_at = nas.earlier_end(ends_at, ends)
    local rate = asked_rates[asked_gauges[i]]
    if rate > 0 then
      local share = limit / rate / 4
      quarter = math.min(quarter, share - share % 1)
    end
  end
  return ends_at,
    math.max(admit[ADMIT_INTERIM_MIN_S], math.min(admit[ADMIT_INTERIM_MAX_S], quarter))
end

-- window_packs(window): what a session keeps of the window that prices its service: its name and itself,
-- packed; once for all sessions.
local function window_packs(window)
  if not window[WINDOW_KEPT] then
    window[WINDOW_NAMED] = pack_value(window[WINDOW_DIGEST])
    window[WINDOW_KEPT] = pack_value(window[WINDOW_PACKED], false)
  end
  return window[WINDOW_NAMED], window[WINDOW_KEPT]
end

-- grant_services(count, now, interim): reserves for each service what its line can use in two intervals.
-- Returns how many fields of the session are filled, behind the first eight; or nil.
local function grant_services(count, now, interim)
  local fields, n = plain_fields, 8
  plain_longest = 0
  for i = 1, count do
    local service = plain_services[i]
    local terms, window, key = service[PLAIN_TERMS], service[PLAIN_WINDOW], service[PLAIN_KEY]
    local rate, want = asked_rates[asked_gauges[i]], service[PLAIN_WANT]
    if rate > 0 then
      want = rate * 2 * interim
    end
    local digest = window and window[WINDOW_DIGEST]
    local bucket, granted, validity = grant_plainly(terms, window, digest, want, now)
    if not bucket then
      return nil
    end
    local valid_until = now + validity * 1000
    if valid_until > plain_longest then
      plain_longest = valid_until
    end
    -- Unit; cost, rate and the next; gross, not opened; no totals, no steps.
    local unit, named, field = terms[TERMS_UNIT], '\192', nil
    if window then
      named, field = window_packs(window)
    end
    local kept = pack_bytes(
      '>I4c0Bc0c5',
      PLAIN_SERVICE * 16777216 + TEXT_HEAD + #unit,
      unit,
      0,
      named,
      '\194\0\194\144\144'
    )
    fields[n + 1], fields[n + 2] = 's:' .. key, pack_service(kept, 0, granted, valid_until, bucket)
    n = n + 2
    if window then
      fields[n + 1], fields[n + 2] = 'w:' .. key, field
      n = n + 2
    end
  end
  return n
end

-- pack_limits(count): what the NAS is told of each service.
local function pack_limits(count)
  if count == 1 then
    return pack_bytes('>BBI8', PACKED_ARRAY + 1, PACKED_WIDE, told_limits[1])
  end
  return pack_bytes(
    '>BBI8BI8',
    PACKED_ARRAY + 2,
    PACKED_WIDE,
    told_limits[1],
    PACKED_WIDE,
    told_limits[2]
  )
end

-- pack_new_track(now, interim, limits, ends_at): what its NAS said of the session: nothing.
local function pack_new_track(now, interim, limits, ends_at)
  return pack_bytes(
    '>I3I4I8c7I7BI8c0BI8BI8',
    PACKED_LONG_ARRAY * 65536 + TRACK_ENDS_AT,
    SCHEMA_VERSION * 16777216 + TRACK_PROVISIONAL * 65536 + PACKED_WIDE,
    now,
    '\0\0\0\0\0\0\0',
    -- At the full level, and wanted there.
    (WORD_HEAD + interim) * 65536,
    PACKED_WIDE,
    now,
    limits,
    PACKED_WIDE,
    ends_at,
    PACKED_WIDE,
    ends_at
  )
end

-- pack_new_header(account_id, now, deadline, retention, count): the header of the session.
local function pack_new_header(account_id, now, deadline, retention, count)
  local header = pack_bytes(
    '>I6c0BI8I2I8BI8BI8BI8I3',
    PLAIN_SESSION * 1099511627776
      + SCHEMA_VERSION * 4294967296
      + SESSION_OPEN * 16777216
      + TEXT_HEAD
      + #account_id,
    account_id,
    PACKED_WIDE,
    now,
    -- Its first request is number 0.
    PACKED_WIDE,
    now,
    PACKED_WIDE,
    deadline,
    PACKED_WIDE,
    deadline,
    PACKED_WIDE,
    retention,
    PACKED_FALSE * 65536 + PACKED_ARRAY * 256 + PACKED_ARRAY + count
  )
  for i = 1, count do
    local key = plain_services[i][PLAIN_KEY]
    header = pack_bytes('>c0I3c0', header, TEXT_HEAD + #key, key)
  end
  return header
end

-- pack_opened(now, account_id, sequence, id): the entry that says that the session has begun.
local function pack_opened(now, account_id, sequence, id)
  return pack_bytes(
    '>c0I5c0I4I8',
    begin_entry(now, account_id, sequence, 1),
    (PACKED_ARRAY + 6) * 4294967296 + EVENT_SESSION * 16777216 + TEXT_HEAD + #id,
    id,
    CHANGE_OPENED * 16777216 + PACKED_FALSE * 256 + PACKED_WIDE,
    now
  )
end

-- pack_admitted(id, now, interim, ends_at, limits): the answer, at the full level.
local function pack_admitted(id, now, interim, ends_at, limits)
  return pack_bytes(
    '>I5c0BI8I5BI8c0B',
    (PACKED_ARRAY + ADMITTED_LEVEL) * 4294967296
      + VERDICT_ADMITTED * 16777216
      + TEXT_HEAD
      + #id,
    id,
    PACKED_WIDE,
    now,
    WORD_HEAD + interim,
    PACKED_WIDE,
    ends_at,
    limits,
    LEVEL_FULL
  )
end

-- pack_entered(kept, live, id, now): the account's live sessions with this one behind them.
local function pack_entered(kept, live, id, now)
  return pack_bytes(
    '>BBBc0Bc0BI8BI8c0BB',
    PACKED_ARRAY + ACCESS_CAPS,
    SCHEMA_VERSION,
    PACKED_ARRAY + live + 1,
    kept,
    PACKED_ARRAY + LIVE_BOUND,
    pack_value(id),
    PACKED_WIDE,
    now + plain_admit[ADMIT_PROVISIONAL_MS],
    PACKED_WIDE,
    now,
    plain_place,
    PACKED_TRUE,
    PACKED_ARRAY
  )
end

-- expect_new(): says of the login that is decided next that nothing of it is there.
local function expect_new()
  is_unheard_of = true
end

local function admit_plainly(keys, args)
  local is_new = is_unheard_of
  is_unheard_of = false
  bind_globals()
  forget_opened()
  local packed, last, admit = args[1], #args, plain_admit
  if #packed > PLAIN_TEXT_MAX then
    return nil
  end
  local policy_at, given, id, number, _, _, account_id, profile = unpack_some(packed, 8, 1)
  local asks_at, _, _, supervision, retention, grace = unpack_some(packed, 5, policy_at + 1)
  local count, asks_until = read_asks(args, asks_at)
  if not count or number ~= 0 or read_admission(args[last]) ~= count then
    return nil
  end
  local _, _, sharing = unpack_some(packed, 2, asks_until)
  local entry_id = open_partition(keys[3])
  if sharing or not entry_id or (not is_new and call('GET', keys[7])) then
    return nil
  end

  account_key, account_bytes, account_whole = keys[1], call('GET', keys[1]), true
  if not account_bytes or byte(account_bytes, 1) ~= PLAIN_ACCOUNT then
    return nil
  end
  local _, run_from = string_span(2)
  local run_until, sequence, last_seen, slack = unpack_some(account_bytes, 3, run_from)
  local buckets_at, standing, account_profile, _, due = unpack_some(account_bytes, 4, run_until)
  local elements, first_bucket = array_size(account_bytes, buckets_at)
  local now, expires_at = read_time(given, last_seen), admit[ADMIT_EXPIRES_AT]
  if
    byte(account_bytes, 2) ~= SCHEMA_VERSION
    or standing ~= STANDING_ACTIVE
    or account_profile ~= profile
    or (due > 0 and due <= now)
    or (expires_at > 0 and expires_at <= now)
    or (slack and slack <= 0)
    or not elements
  then
    return nil
  end
  local kept, live = keep_live(call('GET', keys[6]), id, now)
  if not kept or (not is_new and call('HGET', keys[2], 'h')) then
    return nil
  end

  -- Decide, and pack what is to be written.
  set_update(now, id, 0, false, account_id, profile, args[2])
  update_grace = grace
  met_count, next_bucket, buckets_left = 0, first_bucket, elements / 3
  local ends_at, interim = measure_services(count, now)
  local filled = ends_at and grant_services(count, now, interim)
  if not filled then
    return nil
  end
  local deadline, silent = now + supervision, 2 * plain_longest - now
  if silent > deadline then
    deadline = silent
  end
  local limits, fields = pack_limits(count), plain_fields
  fields[1], fields[2] = 'r', pack_new_track(now, interim, limits, ends_at)
  fields[3], fields[4] = 'n', args[last - 1]
  fields[5], fields[6] = 'h', pack_new_header(account_id, now, deadline, retention, count)
  fields[7], fields[8] = 'm', args[2]
  -- A read only: a timer key of the wrong type must fail before the first write.
  call('ZCARD', keys[5])

  -- Write.
  local entry = pack_opened(now, account_id, sequence + 1, id)
  call('XADD', keys[4], entry_id, 'e', entry, 's', args[2])
  write_account(sequence + 1, now, slack, run_from, run_until)
  call('HSET', keys[2], unpack(fields, 1, filled))
  local timer = ends_at > 0 and ends_at < deadline and ends_at or deadline
  call('ZADD', keys[5], time_text(timer), 's:' .. id)
  call('SET', keys[6], pack_entered(kept, live, id, now))
  local answer = pack_admitted(id, now, interim, ends_at, limits)
  call('SET', keys[7], answer, 'PX', number_text(admit[ADMIT_ANSWER_MS]))
  return { REPLY_DONE, answer }
end
