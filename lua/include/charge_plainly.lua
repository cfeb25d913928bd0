--- @include "charge_session"
-- charge_plainly(keys, packed): the request that nearly every request is, charged without opening
-- more of the state than it changes: an update of an open session whose every report is paid whole by
-- what one bucket of units holds for it, and whose every grant is covered by the first bucket in
-- the order, of units too, with plenty left. Nothing starts, ends, runs out or crosses a threshold.
-- Returns the reply, or nil having changed nothing: then it is charge_session's to answer, whose rules
-- these are. Both leave the same bytes behind: entry, account, session, answer.
--
-- Packed arrays are read in place, by offsets, and written by putting new values between the bytes
-- that stay. So the order of values in layout.lua is known here: what changes together stands
-- together there.

-- First octet of a packed array of none, and of those with as many elements as layout.lua says.
local ARRAY = 144
local HEAD_OF_REQUEST, HEAD_OF_POLICY, HEAD_OF_ASK = ARRAY + 13, ARRAY + 5, ARRAY + 6
local HEAD_OF_ACCOUNT, HEAD_OF_SESSION, HEAD_OF_SERVICE = ARRAY + 14, ARRAY + 12, ARRAY + 13
local FIELDS_OF_BUCKET = 18
local MOST_SERVICES = 15

-- Redis gives a library these when it is called, not when it is loaded.
local pack_values, unpack_some, call, byte, sub

-- Of one call, and set at its beginning; kept outside it so that no call makes tables: the buckets met
-- so far in stored order, and the services of the request.
local account_bytes, next_bucket, buckets_left, met_count
local met_buckets, plain_services, plain_fields = {}, {}, {}

-- blank_row(count): a table with room for so many values.
local function blank_row(count)
  local row = {}
  for i = 1, count do
    row[i] = false
  end
  return row
end

-- array_size(bytes, at): elements of the packed array whose head is at an offset, and where its
-- elements begin; nil for what is no array of up to 65,535.
local function array_size(bytes, at)
  local head, high, low = byte(bytes, at + 1, at + 3)
  if head >= ARRAY and head <= ARRAY + 15 then
    return head - ARRAY, at + 1
  elseif head == 220 then
    return high * 256 + low, at + 3
  end
  return nil
end

-- meet_bucket(): the next bucket of the account, not opened yet; nil past the last.
local function meet_bucket()
  if buckets_left == 0 then
    return nil
  end
  local bucket = met_buckets[met_count + 1]
  if not bucket then
    bucket = blank_row(MET_CHANGED)
    met_buckets[met_count + 1] = bucket
  end
  local after, id, resource, packed = unpack_some(account_bytes, 3, next_bucket)
  bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], bucket[BUCKET_KIND] = id, resource, false
  bucket[MET_PACKED], bucket[MET_UNTIL], bucket[MET_CHANGED] = packed, after, false
  met_count, next_bucket, buckets_left = met_count + 1, after, buckets_left - 1
  return bucket
end

-- open_met(bucket): reads the fields of a bucket that was met. Returns whether it could.
local function open_met(bucket)
  if bucket[BUCKET_KIND] then
    return true
  end
  local packed = bucket[MET_PACKED]
  local _, _, fields = byte(packed, 1, 3)
  if fields ~= FIELDS_OF_BUCKET then
    return false
  end
  local from, _, _, kind, _, state, starts, ends = unpack_some(packed, 8, 3)
  local after, remaining, reserved = unpack_some(packed, 2, from)
  local _, floor, step, blocker, scope = unpack_some(packed, 4, after)
  bucket[BUCKET_KIND], bucket[BUCKET_STATE] = kind, state
  bucket[BUCKET_START], bucket[BUCKET_END] = starts, ends
  bucket[BUCKET_REMAINING], bucket[BUCKET_RESERVED] = remaining, reserved
  bucket[BUCKET_FLOOR], bucket[BUCKET_STEP] = floor, step
  bucket[BUCKET_BLOCKER], bucket[BUCKET_SCOPE] = blocker, scope
  bucket[MET_AMOUNTS_FROM], bucket[MET_AMOUNTS_UNTIL] = from, after
  return true
end

-- find_met(id): the bucket of this id, or nil.
local function find_met(id)
  for i = 1, met_count do
    if met_buckets[i][BUCKET_ID] == id then
      return met_buckets[i]
    end
  end
  local bucket = meet_bucket()
  while bucket and bucket[BUCKET_ID] ~= id do
    bucket = meet_bucket()
  end
  return bucket
end

-- read_asks(packed, at): reads the services of a request. Returns how many they are and where they end,
-- or nil where that is more than a plain request has.
local function read_asks(packed, at)
  local count, from = array_size(packed, at)
  if not count or count < 1 or count > MOST_SERVICES then
    return nil
  end
  for i = 1, count do
    local service = plain_services[i]
    if not service then
      service = blank_row(PLAIN_ANSWER)
      plain_services[i] = service
    end
    if byte(packed, from + 1) ~= HEAD_OF_ASK then
      return nil
    end
    local after, key, used, used_after, want, reason, terms = unpack_some(packed, 6, from + 1)
    if used_after > 0 then
      return nil
    end
    for k = 1, i - 1 do
      if plain_services[k][PLAIN_KEY] == key then
        return nil
      end
    end
    service[PLAIN_KEY], service[PLAIN_REPORTED], service[PLAIN_WANT] = key, used, want
    service[PLAIN_REASON], service[PLAIN_TERMS] = reason, open_terms(terms)
    from = after
  end
  return count, from
end

-- read_fields(session_key, count): the session's header and the services spoken of, as stored.
local function read_fields(session_key, count)
  if count == 1 then
    return call('HMGET', session_key, 'h', 's:' .. plain_services[1][PLAIN_KEY])
  end
  plain_fields[1] = 'h'
  for i = 1, count do
    plain_fields[i + 1] = 's:' .. plain_services[i][PLAIN_KEY]
  end
  return call('HMGET', session_key, unpack(plain_fields, 1, count + 1))
end

-- read_service(service, stored, now): reads a service spoken of. Returns whether it is a plain one: what
-- it holds is in one bucket, and its number goes on.
local function read_service(service, stored, now)
  if not stored or byte(stored, 1) ~= HEAD_OF_SERVICE then
    return false
  end
  local carry_from, _, cost = unpack_some(stored, 2, 1)
  local carry_until = unpack_some(stored, 4, carry_from)
  local legs_at, number, used, granted, valid_until, window, following =
    unpack_some(stored, 6, carry_until)
  local elements, first = array_size(stored, legs_at)
  if elements == LEG_WIDTH then
    local _, id, amount = unpack_some(stored, 2, first)
    service[PLAIN_LEG], service[PLAIN_LEG_AMOUNT] = id, amount
  elseif elements == 0 then
    service[PLAIN_LEG] = false
  else
    return false
  end
  service[SERVICE_COST], service[SERVICE_USED], service[SERVICE_GRANTED] = cost, used, granted
  service[SERVICE_VALID_UNTIL], service[SERVICE_WINDOW] = valid_until, window
  service[SERVICE_NEXT], service[PLAIN_PACKED] = following, stored
  service[PLAIN_CARRY_FROM], service[PLAIN_CARRY_UNTIL] = carry_from, carry_until
  service[PLAIN_OPEN_WINDOW] = pick_window(service[PLAIN_TERMS][TERMS_WINDOWS], now) or false
  return used + service[PLAIN_REPORTED] < AMOUNT_LIMIT
end

-- settle_plainly(service, now): takes what a service reports from what is held for it, and gives back
-- the rest. Returns whether that was all there was to do.
local function settle_plainly(service, now)
  local id, used = service[PLAIN_LEG], service[PLAIN_REPORTED]
  service[PLAIN_PAYER] = false
  if not id then
    return used == 0
  end
  local bucket = find_met(id)
  if not bucket or not open_met(bucket) then
    return false
  end
  local ends, amount = bucket[BUCKET_END], service[PLAIN_LEG_AMOUNT]
  if bucket[BUCKET_STATE] ~= STATE_ACTIVE or (ends > 0 and ends <= now) then
    return false
  end
  if used > 0 then
    local priced = open_window(service[SERVICE_WINDOW]) or service[PLAIN_OPEN_WINDOW]
    local remaining = bucket[BUCKET_REMAINING]
    if
      bucket[BUCKET_KIND] ~= KIND_UNITS
      or bucket[BUCKET_STEP] > 1
      or used > amount
      or used > remaining - bucket[BUCKET_FLOOR]
      or used >= remaining
      or (priced and priced[WINDOW_KIND] ~= WINDOW_CHARGED)
    then
      return false
    end
    bucket[BUCKET_REMAINING] = remaining - used
    service[SERVICE_USED] = service[SERVICE_USED] + used
    service[PLAIN_PAYER], service[PLAIN_PAYER_AFTER] = bucket, remaining - used
    service[PLAIN_PRICED] = priced
  end
  bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] - amount
  bucket[MET_CHANGED] = true
  service[PLAIN_LEG], service[SERVICE_GRANTED] = false, 0
  return true
end

-- covers(bucket, terms, size): whether a bucket gives a grant of this size with plenty left: it is
-- neither cut nor the last. nil for a bucket that gives nothing: the next one is asked.
local function covers(bucket, terms, size)
  if
    bucket[BUCKET_KIND] ~= KIND_UNITS
    or bucket[BUCKET_STEP] > 1
    or bucket[BUCKET_STATE] ~= STATE_ACTIVE
  then
    return false
  end
  local available, share = available_in(bucket), terms[TERMS_SHARE_PERCENT]
  if available == 0 and not bucket[BUCKET_BLOCKER] then
    return nil
  end
  return available > size and (share >= 100 or available >= math.ceil(size * 100 / share))
end

-- first_cover(terms, window, size, now): the first eligible bucket that gives anything, where it covers
-- the grant plainly; else nil.
local function first_cover(terms, window, size, now)
  local unit, currency, i = terms[TERMS_UNIT], window and window[WINDOW_CURRENCY], 1
  local bucket = met_count > 0 and met_buckets[1] or meet_bucket()
  while bucket do
    local resource = bucket[BUCKET_RESOURCE]
    if resource == unit or resource == currency then
      if not open_met(bucket) then
        return nil
      end
      if is_eligible(bucket, terms, now) then
        local covered = covers(bucket, terms, size)
        if covered ~= nil then
          return covered and bucket or nil
        end
      end
    end
    i = i + 1
    bucket = i <= met_count and met_buckets[i] or meet_bucket()
  end
  return nil
end

-- grant_plainly(service, now, grace): reserves what a service asks for. Returns the units granted and
-- their validity in seconds, or nil.
local function grant_plainly(service, now, grace)
  local terms, window = service[PLAIN_TERMS], service[PLAIN_OPEN_WINDOW]
  local size = service[PLAIN_WANT]
  if size > terms[TERMS_MAXIMUM] then
    size = terms[TERMS_MAXIMUM]
  end
  if
    size <= 0
    or terms[TERMS_UNIT_ORDER] ~= ORDER_EARLIEST_EXPIRING
    or terms[TERMS_MONEY_ORDER] ~= ORDER_EARLIEST_EXPIRING
    or (not window and #terms[TERMS_WINDOWS] > 0)
    or (window and window[WINDOW_KIND] ~= WINDOW_CHARGED)
  then
    return nil
  end
  local bucket = first_cover(terms, window, size, now)
  if not bucket then
    return nil
  end
  local validity, ends = terms[TERMS_VALIDITY_S], bucket[BUCKET_END]
  if ends > 0 then
    validity = math.min(validity, math.floor((ends + grace - now) / 1000))
  end
  validity = math.max(validity, 1)
  if window and window[WINDOW_UNTIL] < now + validity * 1000 then
    return nil
  end
  bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] + size
  bucket[MET_CHANGED] = true
  service[PLAIN_LEG], service[PLAIN_LEG_AMOUNT] = bucket[BUCKET_ID], size
  service[SERVICE_GRANTED], service[SERVICE_VALID_UNTIL] = size, now + validity * 1000
  service[SERVICE_WINDOW] = window and window[WINDOW_PACKED]
  service[SERVICE_NEXT] = false
  return size, validity
end

-- answer_plainly(service, now, grace): grants, where units are asked for, and packs the service's part
-- of the answer. Returns whether it could.
local function answer_plainly(service, now, grace)
  local result, granted, validity = RESULT_SETTLED, 0, 0
  if service[PLAIN_WANT] ~= WANT_NOTHING then
    result = RESULT_GRANTED
    granted, validity = grant_plainly(service, now, grace)
    if not granted then
      return false
    end
  end
  local priced = open_window(service[SERVICE_WINDOW]) or service[PLAIN_OPEN_WINDOW]
  local currency = priced and priced[WINDOW_CURRENCY] or false
  service[PLAIN_ANSWER] = '\152'
    .. pack_values(
      service[PLAIN_KEY],
      result,
      granted,
      validity,
      0,
      service[SERVICE_COST],
      currency,
      0
    )
  return true
end

-- pack_usage(service, session_id, number): the usage event of a service.
local function pack_usage(service, session_id, number)
  local terms, used, priced = service[PLAIN_TERMS], service[PLAIN_REPORTED], service[PLAIN_PRICED]
  local payer = service[PLAIN_PAYER]
  local first = pack_values(
    EVENT_USAGE,
    session_id,
    number,
    service[PLAIN_KEY],
    terms[TERMS_RATING_GROUP],
    terms[TERMS_UNIT],
    used,
    0,
    0,
    priced and priced[WINDOW_CURRENCY],
    priced and priced[WINDOW_LABEL],
    service[PLAIN_REASON]
  )
  -- One impact: bucket, resource, change, what is left, units. Then the service's totals.
  local second = pack_values(
    payer[BUCKET_ID],
    payer[BUCKET_RESOURCE],
    -used,
    service[PLAIN_PAYER_AFTER],
    used,
    service[SERVICE_USED],
    service[SERVICE_COST]
  )
  local from, till = service[PLAIN_CARRY_FROM], service[PLAIN_CARRY_UNTIL]
  local carry = sub(service[PLAIN_PACKED], from + 1, till)
  return '\220\0\16' .. first .. '\145\149' .. second .. '\148' .. carry
end

-- pack_service(service, number): a service as it is stored.
local function pack_service(service, number)
  local kept = sub(service[PLAIN_PACKED], 1, service[PLAIN_CARRY_UNTIL])
  local size = service[PLAIN_LEG_AMOUNT]
  local values = pack_values(
    number,
    service[SERVICE_USED],
    service[SERVICE_GRANTED],
    service[SERVICE_VALID_UNTIL],
    service[SERVICE_WINDOW],
    service[SERVICE_NEXT]
  )
  if not service[PLAIN_LEG] then
    return kept .. values .. '\144'
  end
  return kept .. values .. '\147' .. pack_values(service[PLAIN_LEG], size, size)
end

-- pack_rest(from): the account from an offset on, with the amounts of the buckets that changed.
local function pack_rest(from)
  local bytes = ''
  for i = 1, met_count do
    local bucket = met_buckets[i]
    if bucket[MET_CHANGED] then
      local packed, ends = bucket[MET_PACKED], bucket[MET_UNTIL]
      local first, last = bucket[MET_AMOUNTS_FROM], bucket[MET_AMOUNTS_UNTIL]
      local amounts = pack_values(bucket[BUCKET_REMAINING], bucket[BUCKET_RESERVED])
      local begins = ends - #packed
      if #amounts == last - first then
        bytes = bytes .. sub(account_bytes, from + 1, begins + first) .. amounts
        from = begins + last
      else
        -- Of another length: then its length, in front of it, is another too.
        local head = #pack_values(packed) - #packed
        packed = pack_values(sub(packed, 1, first) .. amounts .. sub(packed, last + 1))
        bytes = bytes .. sub(account_bytes, from + 1, begins - head) .. packed
        from = ends
      end
    end
  end
  return bytes .. sub(account_bytes, from + 1)
end

-- decide_plainly(count, stored, now, grace): settles all services, then grants: what one gives back
-- another may get. Returns how many reported, what they took, and the longest validity given; or nil.
local function decide_plainly(count, stored, now, grace)
  local reports, taken, changes, longest = 0, 0, false, 0
  for i = 1, count do
    local service = plain_services[i]
    if not read_service(service, stored[i + 1], now) then
      return nil
    end
    changes = changes or service[PLAIN_LEG]
    if not settle_plainly(service, now) then
      return nil
    end
    if service[PLAIN_PAYER] then
      reports, taken = reports + 1, taken + service[PLAIN_REPORTED]
    end
  end
  for i = 1, count do
    local service = plain_services[i]
    if not answer_plainly(service, now, grace) then
      return nil
    end
    changes = changes or service[PLAIN_LEG]
    longest = math.max(longest, service[SERVICE_VALID_UNTIL])
  end
  if not changes then
    return nil
  end
  return reports, taken, longest
end

local function charge_plainly(keys, packed)
  if not pack_values then
    pack_values, unpack_some, call = cmsgpack.pack, cmsgpack.unpack_limit, redis.call
    byte, sub = string.byte, string.sub
  end
  if byte(packed, 1) ~= HEAD_OF_REQUEST then
    return nil
  end
  local policy_at, given, session_id, number, phase, fingerprint, account_id, profile, stamp =
    unpack_some(packed, 8, 1)
  if phase ~= PHASE_UPDATE or byte(packed, policy_at + 1) ~= HEAD_OF_POLICY then
    return nil
  end
  local asks_at, _, _, supervision, _, grace = unpack_some(packed, 5, policy_at + 1)
  local count, asks_until = read_asks(packed, asks_at)
  if not count then
    return nil
  end
  local _, _, sharing = unpack_some(packed, 2, asks_until)
  local epoch = open_partition(keys[3])
  if sharing or not epoch then
    return nil
  end

  -- Read.
  local stored = read_fields(keys[2], count)
  local header = stored[1]
  if not header or byte(header, 1) ~= HEAD_OF_SESSION then
    return nil
  end
  local seen_from, version, state, holder = unpack_some(header, 4, 1)
  local seen_until, last_number, _, deadline_before = unpack_some(header, 3, seen_from)
  local starved_at, timer, _, owner = unpack_some(header, 3, seen_until)
  if
    version ~= SCHEMA_VERSION
    or state ~= SESSION_OPEN
    or holder ~= account_id
    or number <= last_number
    or owner
    or byte(header, starved_at + 1) ~= ARRAY
  then
    return nil
  end
  account_bytes = call('GET', keys[1])
  if not account_bytes or byte(account_bytes, 1) ~= HEAD_OF_ACCOUNT then
    return nil
  end
  local run_from, account_version = unpack_some(account_bytes, 2, 1)
  local run_until, sequence, last_seen, slack = unpack_some(account_bytes, 3, run_from)
  local buckets_at, standing, account_profile, _, due = unpack_some(account_bytes, 4, run_until)
  local elements, first_bucket = array_size(account_bytes, buckets_at)
  local now = read_time(given, last_seen)
  if
    account_version ~= SCHEMA_VERSION
    or standing ~= STANDING_ACTIVE
    or account_profile ~= profile
    or (due > 0 and due <= now)
    or not elements
  then
    return nil
  end

  -- Decide.
  met_count, next_bucket, buckets_left = 0, first_bucket, elements / 3
  local reports, taken, longest = decide_plainly(count, stored, now, grace)
  if not reports then
    return nil
  end
  if slack then
    slack = slack - taken
    if slack <= 0 then
      return nil
    end
  end
  local deadline = math.max(now + supervision, 2 * longest - now)
  if deadline_before > deadline and count < array_size(header, starved_at + 1) then
    deadline = deadline_before
  end
  if timer == 0 or deadline < timer then
    return nil
  end

  -- Write.
  local answer = '\146' .. pack_values(now)
  if reports > 0 then
    local entry = '\148'
      .. pack_values(SCHEMA_VERSION, now, stamp)
      .. '\145\147'
      .. pack_values(account_id, sequence + 1)
      .. string.char(ARRAY + reports)
    for i = 1, count do
      if plain_services[i][PLAIN_PAYER] then
        entry = entry .. pack_usage(plain_services[i], session_id, number)
      end
    end
    call('XADD', keys[4], epoch .. '-*', 'e', entry)
  end
  call(
    'SET',
    keys[1],
    sub(account_bytes, 1, run_from)
      .. pack_values(sequence + reports, now, slack)
      .. pack_rest(run_until)
  )
  answer = answer .. string.char(ARRAY + count)
  local n = 4
  for i = 1, count do
    local service = plain_services[i]
    answer = answer .. service[PLAIN_ANSWER]
    plain_fields[n + 1] = 's:' .. service[PLAIN_KEY]
    plain_fields[n + 2] = pack_service(service, number)
    n = n + 2
  end
  plain_fields[1], plain_fields[2] = 'h', sub(header, 1, seen_from)
    .. pack_values(number, now, deadline)
    .. sub(header, seen_until + 1)
  plain_fields[3] = 'a' .. number % ANSWER_WINDOW
  plain_fields[4] = '\147' .. pack_values(number, fingerprint, answer)
  call('HSET', keys[2], unpack(plain_fields, 1, n))
  return { REPLY_DONE, answer }
end
