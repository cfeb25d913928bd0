--- @include "open_request"
--- @include "charge_session"
-- charge_plainly(keys, args): the request that nearly every request is, charged without opening more
-- of the state than it changes: an update of an open session whose every report is paid whole by
-- what one bucket of units holds for it, and whose every grant is covered by the first bucket in
-- the order, of units too, with plenty left. Nothing starts, ends, runs out or crosses a threshold.
-- Returns the reply, or nil having changed nothing: then it is charge_session's to answer, whose rules
-- these are. Both leave the same behind: entry, account, session, answer.
--
-- Redis' Lua hashes each string it makes, octet by octet, and sweeps it up later: what a call costs is
-- how many strings it makes, and how long they are. So packed arrays are read in place, by offsets,
-- and written by putting new values between the bytes that stay: the order of values in layout.lua is
-- known here, and what changes together stands together there. cmsgpack.pack makes a string of each
-- value; struct.pack makes one, with numbers as wide as they can be; heads that follow each other, and
-- a length or a word behind them, are one number to it, as each argument costs some 130 instructions.

-- Found once, when the library is called first.
local pack_value, pack_bytes, unpack_some, call, byte, sub, ceil

-- Of one call, and set at its beginning; kept outside it so that no call makes tables: the account's
-- octets (the first of them until more are needed), the buckets met so far in stored order, the
-- services of the request; and what becomes of them: the entry and the answer as far as they are
-- packed, the fields of the session, whether anything is held or given back, and until when. Beside them
-- the account's sequence, how many services report (and of these, how many are not in the entry yet) and
-- are asked for, how long the answer will be, and what stands in the entry behind all reports, or nothing.
local account_key, account_bytes, account_whole
local next_bucket, buckets_left, met_count
local met_buckets, plain_services, plain_fields = {}, {}, {}
local plain_entry, plain_answer, plain_changed, plain_longest
local plain_sequence, plain_events, plain_unsaid, plain_count, plain_length, plain_tail

-- How a usage event is packed, and a service's part of the answer: the first behind the head of what it
-- stands in, the next behind what there is of it.
local usage_format = 'I3c0I5I3c0c0BI8I2c0c0I5c0I3c0Bi8BI8BI8BI8BI8Bc0'
local first_usage, next_usage = '>I3I8I6c0BI8I5' .. usage_format, '>c0c0c0c0c0c0I4' .. usage_format
local first_reported, next_reported = first_usage .. 'Bc0c0', next_usage .. 'Bc0c0'
local given_format = 'c0BBI8I5I2I8c0B'
local first_given, next_given = '>I6I3c0I5I8I5' .. given_format, '>c0c0c0c0c0I4' .. given_format

-- What is written again and again: offsets and lengths of time as text, as commands take them; reasons,
-- packed.
local number_texts, packed_reasons = {}, {}
local answer_fields = { 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7' }

-- blank_row(count): a table with room for so many values.
local function blank_row(count)
  local row = {}
  for i = 1, count do
    row[i] = false
  end
  return row
end

-- The update being charged: when (0 for the server's clock), of which session, and what of its request
-- counts. No answer is kept where there is no fingerprint: then it is a NAS's report, and update_track what
-- it said, packed, and update_caps what fair use has counted by now, packed, or nothing. update_cause: why
-- the session ends with it, packed; update_network: where it is from now on, JSON. Both are false of nearly
-- all.
local update_now, update_session, update_number, update_fingerprint, update_account
local update_profile, update_stamp
local update_supervision, update_grace, update_track, update_caps, update_cause, update_network

-- set_update(given, session_id, number, fingerprint, account_id, profile, stamp): of what request it is.
local function set_update(given, session_id, number, fingerprint, account_id, profile, stamp)
  update_now, update_session, update_number = given, session_id, number
  update_fingerprint, update_account = fingerprint, account_id
  update_profile, update_stamp = profile, stamp
  update_cause, update_network = false, false
end

-- array_size(bytes, at): elements of the packed array whose head is at an offset, and where its
-- elements begin; nil for what is no array of up to 65,535.
local function array_size(bytes, at)
  local head, high, low = byte(bytes, at + 1, at + 3)
  if head >= PACKED_ARRAY and head <= PACKED_ARRAY + 15 then
    return head - PACKED_ARRAY, at + 1
  elseif head == PACKED_LONG_ARRAY then
    return high * 256 + low, at + 3
  end
  return nil
end

-- string_span(at): where the text of the packed string at an offset of the account begins and ends; nil
-- where that is behind what was read.
local function string_span(at)
  local head, first, second = byte(account_bytes, at + 1, at + 3)
  if not head then
    return nil
  elseif head < 192 then
    return at + 1, at + 1 + head - 160
  elseif head == 217 then
    return at + 2, at + 2 + (first or 0)
  end
  return at + 3, at + 3 + (first or 0) * 256 + (second or 0)
end

-- read_whole(): the whole account, where only its first octets were read.
local function read_whole()
  if not account_whole then
    account_bytes, account_whole = call('GET', account_key), true
  end
end

-- bucket_span(at): where the id of the bucket at an offset of the account and its resource end, and where
-- the bucket behind them begins and ends; nil where that is behind what was read.
local function bucket_span(at)
  local id_head = byte(account_bytes, at + 1)
  local resource_at = at + (id_head or 192) - 159
  local resource_head = byte(account_bytes, resource_at + 1)
  if resource_head and id_head < 192 and resource_head < 192 then
    -- Short names and a bucket of less than 256 octets, as nearly all are.
    local packed_at = resource_at + resource_head - 159
    local head, size = byte(account_bytes, packed_at + 1, packed_at + 2)
    if head == 217 and size and packed_at + 2 + size <= #account_bytes then
      return packed_at, packed_at + 2, packed_at + 2 + size
    end
  end
  local _, id_until = string_span(at)
  if not id_until then
    return nil
  end
  local _, resource_until = string_span(id_until)
  if not resource_until then
    return nil
  end
  local from, till = string_span(resource_until)
  if not till or till > #account_bytes then
    return nil
  end
  return resource_until, from, till
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
  local named_until, from, till = bucket_span(next_bucket)
  if not named_until then
    read_whole()
    named_until, from, till = bucket_span(next_bucket)
  end
  local _, id, resource = unpack_some(account_bytes, 2, next_bucket)
  bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], bucket[BUCKET_KIND] = id, resource, false
  bucket[MET_AT], bucket[MET_UNTIL], bucket[MET_CHANGED] = from, till, false
  bucket[MET_NAMES] = named_until - next_bucket
  met_count, next_bucket, buckets_left = met_count + 1, till, buckets_left - 1
  return bucket
end

-- open_met(bucket, passes): reads the fields of a bucket that was met and not opened yet, behind the id and
-- the resource that it begins with once more. Returns true; nil where it could not. With `passes`, false for
-- one that plainly gives nothing, which stays unopened: active, of units, nothing left, reserved or owed, no
-- step and no blocker. So it stands in most walks in front of the bucket that gives, and reading all of it
-- would cost more than all this.
local function open_met(bucket, passes)
  local at = bucket[MET_AT]
  if byte(account_bytes, at + 3) ~= PLAIN_BUCKET_FIELDS then
    return nil
  end
  local named_until = at + 3 + bucket[MET_NAMES]
  local from, kind, _, state, starts, ends = unpack_some(account_bytes, 6, named_until)
  if passes and kind == KIND_UNITS and state == STATE_ACTIVE then
    local remaining, reserved, floor, step, blocker = byte(account_bytes, from + 1, from + 5)
    if remaining == 0 and reserved == 0 and floor == 0 and step == 1 and blocker == PACKED_FALSE then
      return false
    end
  end
  local till, remaining, reserved = unpack_some(account_bytes, 2, from)
  local _, floor, step, blocker, scope = unpack_some(account_bytes, 4, till)
  bucket[BUCKET_KIND], bucket[BUCKET_STATE] = kind, state
  bucket[BUCKET_START], bucket[BUCKET_END] = starts, ends
  bucket[BUCKET_REMAINING], bucket[BUCKET_RESERVED] = remaining, reserved
  bucket[BUCKET_FLOOR], bucket[BUCKET_STEP] = floor, step
  bucket[BUCKET_BLOCKER], bucket[BUCKET_SCOPE] = blocker, scope
  bucket[MET_AMOUNTS_FROM], bucket[MET_AMOUNTS_UNTIL] = from, till
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

-- read_asks(args, at): reads the services of a request. Returns how many they are and where they end,
-- or nil where that is more than a plain request has.
local function read_asks(args, at)
  local packed = args[1]
  local count, from = array_size(packed, at)
  if not count or count < 1 or count > PLAIN_SERVICES_MAX then
    return nil
  end
  for i = 1, count do
    local service = plain_services[i]
    if not service then
      service = blank_row(PLAIN_FIELD)
      plain_services[i] = service
    end
    if byte(packed, from + 1) ~= PLAIN_ASK then
      return nil
    end
    local after, key, used, used_after, want, reason, digest = unpack_some(packed, 6, from + 1)
    local terms = open_terms(digest or args[i + 2])
    if used_after > 0 or not terms then
      return nil
    end
    for k = 1, i - 1 do
      if plain_services[k][PLAIN_KEY] == key then
        return nil
      end
    end
    local packed_reason = packed_reasons[reason]
    if not packed_reason then
      packed_reason = pack_value(reason)
      packed_reasons[reason] = packed_reason
    end
    service[PLAIN_KEY], service[PLAIN_REPORTED], service[PLAIN_WANT] = key, used, want
    service[PLAIN_REASON], service[PLAIN_TERMS] = packed_reason, terms
    from = after
  end
  return count, from
end

-- read_fields(session_key, count, more): the session's header, the services spoken of, and one more field
-- where it is given, as stored.
local function read_fields(session_key, count, more)
  if count == 1 then
    local service = plain_services[1]
    local name = 's:' .. service[PLAIN_KEY]
    service[PLAIN_FIELD] = name
    if more then
      return call('HMGET', session_key, 'h', name, more)
    end
    return call('HMGET', session_key, 'h', name)
  end
  plain_fields[1] = 'h'
  for i = 1, count do
    local service = plain_services[i]
    local name = 's:' .. service[PLAIN_KEY]
    service[PLAIN_FIELD], plain_fields[i + 1] = name, name
  end
  plain_fields[count + 2] = more
  return call('HMGET', session_key, unpack(plain_fields, 1, count + (more and 2 or 1)))
end

-- add_usage(service, priced, payer, total, cost, carry, now): puts a service's usage event, an array of
-- 16, behind the entry. The first is packed in one go with the entry's head, by the same call: its
-- first seven values are the head, or the entry so far, with nothing in place of the others. Behind the last
-- of a report stands what else there is to say.
local function add_usage(service, priced, payer, total, cost, carry, now)
  local used, key, session_id = service[PLAIN_REPORTED], service[PLAIN_KEY], update_session
  local id, resource = payer[BUCKET_ID], payer[BUCKET_RESOURCE]
  local track, caps = update_track, update_caps
  local format, one, two, three, four = track and next_reported or next_usage, plain_entry, '', '', ''
  local five, six, seven = '', '', USAGE_HEAD
  plain_unsaid = plain_unsaid - 1
  if not plain_entry then
    four = update_account
    format = track and first_reported or first_usage
    one, two = (PACKED_ARRAY + 4) * 65536 + SCHEMA_VERSION * 256 + PACKED_WIDE, now
    three = ((PACKED_TRUE * 256 + PACKED_ARRAY + 1) * 256 + PACKED_ARRAY + 3) * 16777216 + TEXT_HEAD + #four
    five, six = PACKED_WIDE, plain_sequence + 1
    seven = (PACKED_ARRAY + plain_events) * 4294967296 + USAGE_HEAD
  end
  plain_entry = pack_bytes(
    format,
    one,
    two,
    three,
    four,
    five,
    six,
    seven,
    TEXT_HEAD + #session_id,
    session_id,
    WORD_HEAD + update_number,
    TEXT_HEAD + #key,
    key,
    service[PLAIN_TERMS][TERMS_IN_EVENT],
    PACKED_WIDE,
    used,
    -- Nothing uncollected, and nothing to pay.
    0,
    priced and priced[WINDOW_IN_EVENT] or '\194\194',
    service[PLAIN_REASON],
    -- One impact: bucket, resource, change, what is left, units.
    (PACKED_ARRAY + 1) * 4294967296 + (PACKED_ARRAY + 5) * 16777216 + TEXT_HEAD + #id,
    id,
    TEXT_HEAD + #resource,
    resource,
    PACKED_SIGNED,
    -used,
    PACKED_WIDE,
    payer[BUCKET_REMAINING],
    PACKED_WIDE,
    used,
    PACKED_WIDE,
    total,
    PACKED_WIDE,
    cost,
    PACKED_ARRAY + (not track and 4 or caps == '' and 6 or 7),
    carry,
    -- Of a report: no counter, what its NAS has said, and what fair use has counted.
    PACKED_FALSE,
    track,
    plain_unsaid == 0 and plain_tail ~= '' and caps .. plain_tail or caps
  )
end

-- add_answer(key, result, granted, validity, cost, priced, now): puts a service's part, an array of 8,
-- behind the answer, as it is kept for a repeated request: number, fingerprint, and the answer as a text.
-- The first is packed in one go with what stands in front of it, as above.
local function add_answer(key, result, granted, validity, cost, priced, now)
  local format, one, two, three, four, five = next_given, plain_answer, '', '', '', ''
  local six = (PACKED_ARRAY + 8) * 16777216 + TEXT_HEAD + #key
  if not plain_answer then
    three = update_fingerprint
    format = first_given
    one = (PACKED_ARRAY + 3) * 1099511627776 + WORD_HEAD + update_number
    two = TEXT_HEAD + #three
    four = (TEXT_HEAD + plain_length) * 65536 + (PACKED_ARRAY + 2) * 256 + PACKED_WIDE
    five, six = now, (PACKED_ARRAY + plain_count) * 4294967296 + six
  end
  plain_answer = pack_bytes(
    format,
    one,
    two,
    three,
    four,
    five,
    six,
    key,
    result,
    PACKED_WIDE,
    granted,
    WORD_HEAD + validity,
    -- Not the last units.
    PACKED_WIDE,
    cost,
    priced and priced[WINDOW_IN_ANSWER] or '\194',
    0
  )
end

-- pack_service(kept, total, granted, valid_until, bucket): a service as it is stored: what stays of it,
-- and what it holds of a bucket, if any.
local function pack_service(kept, total, granted, valid_until, bucket)
  local number = update_number
  if not bucket then
    return pack_bytes(
      '>c0I5BI8BI8BI8B',
      kept,
      WORD_HEAD + number,
      PACKED_WIDE,
      total,
      PACKED_WIDE,
      granted,
      PACKED_WIDE,
      valid_until,
      PACKED_ARRAY
    )
  end
  local id = bucket[BUCKET_ID]
  return pack_bytes(
    '>c0I5BI8BI8BI8I4c0BI8BI8',
    kept,
    WORD_HEAD + number,
    PACKED_WIDE,
    total,
    PACKED_WIDE,
    granted,
    PACKED_WIDE,
    valid_until,
    (PACKED_ARRAY + LEG_WIDTH) * 16777216 + TEXT_HEAD + #id,
    id,
    PACKED_WIDE,
    granted,
    PACKED_WIDE,
    granted
  )
end

-- settle_plainly(id, amount, used, priced, now): takes the units used from the bucket that holds an amount
-- for them, and gives back the rest. Returns the bucket, or nil where that is not all there is to do.
local function settle_plainly(id, amount, used, priced, now)
  local bucket = met_count > 0 and met_buckets[1] or meet_bucket()
  if not bucket or bucket[BUCKET_ID] ~= id then
    bucket = find_met(id)
  end
  if not bucket or not (bucket[BUCKET_KIND] or open_met(bucket)) then
    return nil
  end
  local ends = bucket[BUCKET_END]
  if bucket[BUCKET_STATE] ~= STATE_ACTIVE or (ends > 0 and ends <= now) then
    return nil
  end
  if used > 0 then
    local remaining = bucket[BUCKET_REMAINING]
    if
      bucket[BUCKET_KIND] ~= KIND_UNITS
      or bucket[BUCKET_STEP] > 1
      or used > amount
      or used > remaining - bucket[BUCKET_FLOOR]
      or used >= remaining
      or (priced and priced[WINDOW_KIND] ~= WINDOW_CHARGED)
    then
      return nil
    end
    bucket[BUCKET_REMAINING] = remaining - used
  end
  bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] - amount
  bucket[MET_CHANGED] = true
  return bucket
end

-- first_cover(terms, currency, size, now): the first eligible bucket that gives anything, where it gives a
-- grant of this size with plenty left: it is neither cut nor the last. Else nil.
local function first_cover(terms, currency, size, now)
  local unit, share, i = terms[TERMS_UNIT], terms[TERMS_SHARE_PERCENT], 1
  local bucket = met_count > 0 and met_buckets[1] or meet_bucket()
  while bucket do
    local resource = bucket[BUCKET_RESOURCE]
    if resource == unit or resource == currency then
      local is_open = bucket[BUCKET_KIND] or open_met(bucket, true)
      if is_open == nil then
        return nil
      end
      if is_open and is_eligible(bucket, terms, now) then
        if
          bucket[BUCKET_KIND] ~= KIND_UNITS
          or bucket[BUCKET_STEP] > 1
          or bucket[BUCKET_STATE] ~= STATE_ACTIVE
        then
          return nil
        end
        local available = bucket[BUCKET_REMAINING] - bucket[BUCKET_RESERVED] - bucket[BUCKET_FLOOR]
        if available > size then
          return (share >= 100 or available >= ceil(size * 100 / share)) and bucket or nil
        elseif available > 0 or bucket[BUCKET_BLOCKER] then
          return nil
        end
      end
    end
    i = i + 1
    bucket = i <= met_count and met_buckets[i] or meet_bucket()
  end
  return nil
end

-- grant_plainly(terms, window, digest, size, now): reserves what a service asks for, priced by the
-- window that priced what it held before. Returns the bucket, the units granted and their validity in
-- seconds; or nil.
local function grant_plainly(terms, window, digest, size, now)
  local maximum = terms[TERMS_MAXIMUM]
  if size > maximum then
    size = maximum
  end
  if
    size <= 0
    or terms[TERMS_UNIT_ORDER] ~= ORDER_EARLIEST_EXPIRING
    or terms[TERMS_MONEY_ORDER] ~= ORDER_EARLIEST_EXPIRING
    or (not window and #terms[TERMS_WINDOWS] > 0)
    or (window and window[WINDOW_KIND] ~= WINDOW_CHARGED)
    or (window and window[WINDOW_DIGEST]) ~= digest
  then
    return nil
  end
  local bucket = first_cover(terms, window and window[WINDOW_CURRENCY], size, now)
  if not bucket then
    return nil
  end
  local validity, ends = terms[TERMS_VALIDITY_S], bucket[BUCKET_END]
  if ends > 0 then
    local left = ends + update_grace - now
    left = (left - left % 1000) / 1000
    validity = left < validity and left or validity
  end
  if validity < 1 then
    validity = 1
  end
  if window and window[WINDOW_UNTIL] < now + validity * 1000 then
    return nil
  end
  bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] + size
  bucket[MET_CHANGED] = true
  return bucket, size, validity
end

-- settle_service(service, stored, now): reads a service spoken of, and takes what it reports. A plain one
-- holds units of one bucket, priced by one window, which still stands. Returns whether it was plain.
local function settle_service(service, stored, now)
  if not stored or byte(stored, 1) ~= PLAIN_SERVICE then
    return false
  end
  local used = service[PLAIN_REPORTED]
  local carry_from, _, cost, digest, following = unpack_some(stored, 4, 1)
  local carry_until = unpack_some(stored, 2, carry_from)
  local totals, steps = byte(stored, carry_until + 1, carry_until + 2)
  if totals == PACKED_ARRAY and steps == PACKED_ARRAY then
    carry_until = carry_until + 2
  else
    carry_until = unpack_some(stored, 2, carry_until)
  end
  local legs_at, _, total, granted, valid_until = unpack_some(stored, 4, carry_until)
  local window = pick_window(service[PLAIN_TERMS][TERMS_WINDOWS], now)
  local priced = window
  if digest then
    priced = open_window(digest)
  end
  total = total + used
  if following or (digest and not priced) or total >= AMOUNT_LIMIT then
    return false
  end
  local legs = byte(stored, legs_at + 1)
  if legs == PACKED_ARRAY + LEG_WIDTH then
    local _, id, amount = unpack_some(stored, 2, legs_at + 1)
    local bucket = settle_plainly(id, amount, used, priced, now)
    if not bucket then
      return false
    end
    granted, plain_changed = 0, true
    if used > 0 then
      add_usage(service, priced, bucket, total, cost, sub(stored, carry_from + 1, carry_until), now)
    end
  elseif legs ~= PACKED_ARRAY or used > 0 then
    return false
  end
  service[PLAIN_KEPT], service[PLAIN_COST] = sub(stored, 1, carry_until), cost
  service[PLAIN_DIGEST], service[PLAIN_WINDOW] = digest, window or false
  service[PLAIN_PRICED], service[PLAIN_TOTAL] = priced or false, total
  service[PLAIN_GRANTED], service[PLAIN_VALID_UNTIL] = granted, valid_until
  plain_length = plain_length
    + GIVEN_OCTETS
    + #service[PLAIN_KEY]
    + (priced and #priced[WINDOW_IN_ANSWER] or 1)
  return true
end

-- answer_service(place, now): grants a settled service what it asks for, and packs what becomes of it.
-- Returns whether it was plain.
local function answer_service(place, now)
  local service = plain_services[place]
  local want, window = service[PLAIN_WANT], service[PLAIN_WINDOW]
  local granted, valid_until = service[PLAIN_GRANTED], service[PLAIN_VALID_UNTIL]
  local result, given, validity, bucket = RESULT_SETTLED, 0, 0, nil
  if want ~= WANT_NOTHING then
    bucket, given, validity =
      grant_plainly(service[PLAIN_TERMS], window, service[PLAIN_DIGEST], want, now)
    if not bucket then
      return false
    end
    result, granted, valid_until = RESULT_GRANTED, given, now + validity * 1000
    plain_changed = true
  end
  if update_cause then
    granted = 0
  end
  if valid_until > plain_longest then
    plain_longest = valid_until
  end
  if update_fingerprint then
    local key = service[PLAIN_KEY]
    add_answer(key, result, given, validity, service[PLAIN_COST], service[PLAIN_PRICED], now)
  end
  plain_fields[2 * place + 3] = service[PLAIN_FIELD]
  plain_fields[2 * place + 4] =
    pack_service(service[PLAIN_KEPT], service[PLAIN_TOTAL], granted, valid_until, bucket)
  return true
end

-- pack_amounts(bucket): what a bucket holds, and what of it is reserved.
local function pack_amounts(bucket)
  return pack_bytes('>BI8BI8', PACKED_WIDE, bucket[BUCKET_REMAINING], PACKED_WIDE, bucket[BUCKET_RESERVED])
end

-- pack_bucket(bucket, amounts): a bucket of the account with other amounts, its length in front.
local function pack_bucket(bucket, amounts)
  local first = sub(account_bytes, bucket[MET_AT] + 1, bucket[MET_AMOUNTS_FROM])
  local last = sub(account_bytes, bucket[MET_AMOUNTS_UNTIL] + 1, bucket[MET_UNTIL])
  return pack_value(first .. amounts .. last)
end

-- pack_anew(run, run_from, run_until): the account with another run of values in its header, and the
-- amounts of the buckets that changed.
local function pack_anew(run, run_from, run_until)
  read_whole()
  local bytes, from = sub(account_bytes, 1, run_from) .. run, run_until
  for i = 1, met_count do
    local bucket = met_buckets[i]
    if bucket[MET_CHANGED] then
      local amounts = pack_amounts(bucket)
      local begins, till = bucket[MET_AT], bucket[MET_UNTIL]
      local head = #pack_value(sub(account_bytes, begins + 1, till)) - (till - begins)
      bytes = bytes
        .. sub(account_bytes, from + 1, begins - head)
        .. pack_bucket(bucket, amounts)
      from = till
    end
  end
  return bytes .. sub(account_bytes, from + 1)
end

-- number_text(number): a number of few as text. Redis would write all seventeen digits of it, which costs
-- as much as a command.
local function number_text(number)
  local text = number_texts[number]
  if not text then
    text = string.format('%.0f', number)
    number_texts[number] = text
  end
  return text
end

-- write_octets(key, offset, octets): puts octets over those at an offset of a packed value.
local function write_octets(key, offset, octets)
  call('SETRANGE', key, number_texts[offset] or number_text(offset), octets)
end

-- pack_run(sequence, now, slack): the run of values in an account's header that changes.
local function pack_run(sequence, now, slack)
  if slack then
    return pack_bytes('>BI8BI8BI8', PACKED_WIDE, sequence, PACKED_WIDE, now, PACKED_WIDE, slack)
  end
  return pack_bytes('>BI8BI8B', PACKED_WIDE, sequence, PACKED_WIDE, now, PACKED_FALSE)
end

-- pack_stretch(sequence, now, slack, between, bucket): that run, what stands behind it, and what a bucket
-- holds, in one go.
local function pack_stretch(sequence, now, slack, between, bucket)
  local remaining, reserved = bucket[BUCKET_REMAINING], bucket[BUCKET_RESERVED]
  if slack then
    return pack_bytes(
      '>BI8BI8BI8c0BI8BI8',
      PACKED_WIDE,
      sequence,
      PACKED_WIDE,
      now,
      PACKED_WIDE,
      slack,
      between,
      PACKED_WIDE,
      remaining,
      PACKED_WIDE,
      reserved
    )
  end
  return pack_bytes(
    '>BI8BI8Bc0BI8BI8',
    PACKED_WIDE,
    sequence,
    PACKED_WIDE,
    now,
    PACKED_FALSE,
    between,
    PACKED_WIDE,
    remaining,
    PACKED_WIDE,
    reserved
  )
end

-- write_account(sequence, now, slack, run_from, run_until): writes what changed of the account, the run in
-- its header between two offsets included; over the old octets where the new ones are as many: one stretch
-- from the header to the bucket where there is one.
local function write_account(sequence, now, slack, run_from, run_until)
  local fits = run_until - run_from == (slack and RUN_OCTETS or RUN_OCTETS_ALONE)
  local changed, count = nil, 0
  for i = 1, met_count do
    local bucket = met_buckets[i]
    if bucket[MET_CHANGED] then
      changed, count = bucket, count + 1
      fits = fits and bucket[MET_AMOUNTS_UNTIL] - bucket[MET_AMOUNTS_FROM] == AMOUNTS_OCTETS
    end
  end
  if not fits then
    call('SET', account_key, pack_anew(pack_run(sequence, now, slack), run_from, run_until))
  elseif count == 1 and changed == met_buckets[1] then
    local between = sub(account_bytes, run_until + 1, changed[MET_AMOUNTS_FROM])
    write_octets(account_key, run_from, pack_stretch(sequence, now, slack, between, changed))
  else
    write_octets(account_key, run_from, pack_run(sequence, now, slack))
    for i = 1, met_count do
      local bucket = met_buckets[i]
      if bucket[MET_CHANGED] then
        write_octets(account_key, bucket[MET_AMOUNTS_FROM], pack_amounts(bucket))
      end
    end
  end
end

-- ended_track(track): what a NAS said of a session, by which it has ended.
local function ended_track(track)
  return pack_bytes('>c0Bc0', sub(track, 1, 4), TRACK_ENDED, sub(track, 6))
end

-- write_session(session_key, header, count): the session's header, the answer or what its NAS said, the
-- services spoken of, and where it is, where that is said.
local function write_session(session_key, header, count)
  local fields = plain_fields
  fields[1], fields[2] = 'h', header
  if plain_answer then
    fields[3] = answer_fields[update_number % ANSWER_WINDOW + 1]
    fields[4] = plain_answer
  else
    local track = update_track
    fields[3], fields[4] = 'r', update_cause and ended_track(track) or track
  end
  local filled = 2 * count + 4
  if update_network then
    fields[filled + 1], fields[filled + 2] = 'n', update_network
    filled = filled + 2
  end
  call('HSET', session_key, unpack(fields, 1, filled))
end

-- bind_globals(): what this file uses of the server, once.
local function bind_globals()
  if not call then
    pack_value, unpack_some, pack_bytes = cmsgpack.pack, cmsgpack.unpack_limit, struct.pack
    call, byte, sub, ceil = redis.call, string.byte, string.sub, math.ceil
  end
end

-- begin_entry(now, account_id, sequence, reports): the beginning of an entry with so many events, where it is
-- not packed with the first of them (add_usage).
local function begin_entry(now, account_id, sequence, reports)
  return pack_bytes(
    '>I3I8BI5c0BI8B',
    (PACKED_ARRAY + 4) * 65536 + SCHEMA_VERSION * 256 + PACKED_WIDE,
    now,
    PACKED_TRUE,
    (PACKED_ARRAY + 1) * 4294967296 + (PACKED_ARRAY + 3) * 16777216 + TEXT_HEAD + #account_id,
    account_id,
    PACKED_WIDE,
    sequence,
    PACKED_ARRAY + reports
  )
end

-- pack_closed(opened): the event that says that the session ends.
local function pack_closed(opened)
  local id = update_session
  return pack_bytes(
    '>I5c0BI5c0BI8',
    (PACKED_ARRAY + 6) * 4294967296 + EVENT_SESSION * 16777216 + TEXT_HEAD + #id,
    id,
    CHANGE_CLOSED,
    WORD_HEAD + update_number,
    update_cause,
    PACKED_WIDE,
    opened
  )
end

-- pack_header(header, state, seen_from, now, deadline, seen_until): the session's header by now.
local function pack_header(header, state, seen_from, now, deadline, seen_until)
  local kept = sub(header, 1, seen_from)
  if state ~= SESSION_OPEN then
    kept = pack_bytes('>c0Bc0', sub(header, 1, 2), state, sub(header, 4, seen_from))
  end
  return pack_bytes(
    '>c0I5BI8BI8c0',
    kept,
    WORD_HEAD + update_number,
    PACKED_WIDE,
    now,
    PACKED_WIDE,
    deadline,
    sub(header, seen_until + 1)
  )
end

-- charge_update(keys, entry_id, stored, count): charges the update that is set, whose services stand
-- in plain_services; stored are the session's header and these services. Where the session ends with it,
-- no service asks for anything. Returns the moment of it, and the answer where it is kept; or nil having
-- changed nothing.
local function charge_update(keys, entry_id, stored, count)
  local header, account_id = stored[1], update_account
  if not header or byte(header, 1) ~= PLAIN_SESSION then
    return nil
  end
  local seen_from, version, state, holder, opened = unpack_some(header, 4, 1)
  local seen_until, last_number, _, deadline_before = unpack_some(header, 3, seen_from)
  local starved_at, timer, retention, owner = unpack_some(header, 3, seen_until)
  local closes = update_cause
  if
    version ~= SCHEMA_VERSION
    or state ~= SESSION_OPEN
    or holder ~= account_id
    or update_number <= last_number
    or update_number >= PLAIN_NUMBER_LIMIT
    or owner
    or byte(header, starved_at + 1) ~= PACKED_ARRAY
    -- What a session holds is given back when it ends, also by a service that is not spoken of.
    or (closes and count ~= array_size(header, starved_at + 1))
  then
    return nil
  end
  account_key, account_whole = keys[1], false
  account_bytes = call('GETRANGE', account_key, '0', 'PLAIN_OCTETS_LAST')
  local account_head, account_version = byte(account_bytes, 1, 2)
  if account_head ~= PLAIN_ACCOUNT then
    return nil
  end
  -- In front of its id stands a head of one, two or three octets.
  local id_size = #account_id
  local run_from = id_size + (id_size < 32 and 3 or id_size < 256 and 4 or 5)
  if run_from + 80 > #account_bytes then
    read_whole()
  end
  local run_until, sequence, last_seen, slack = unpack_some(account_bytes, 3, run_from)
  local buckets_at, standing, account_profile, _, due = unpack_some(account_bytes, 4, run_until)
  local elements, first_bucket = array_size(account_bytes, buckets_at)
  local now = read_time(update_now, last_seen)
  if
    account_version ~= SCHEMA_VERSION
    or standing ~= STANDING_ACTIVE
    or account_profile ~= update_profile
    or (due > 0 and due <= now)
    or not elements
  then
    return nil
  end

  -- Decide, and pack what is to be written.
  local reports, taken = 0, 0
  for i = 1, count do
    local used = plain_services[i][PLAIN_REPORTED]
    if used > 0 then
      reports, taken = reports + 1, taken + used
    end
  end
  if slack then
    slack = slack - taken
    if slack <= 0 then
      return nil
    end
  end
  met_count, next_bucket, buckets_left = 0, first_bucket, elements / 3
  plain_changed, plain_longest = false, 0
  plain_entry, plain_answer = nil, nil
  plain_sequence, plain_count, plain_length = sequence, count, ANSWER_HEAD_OCTETS
  plain_events, plain_unsaid, plain_tail = reports, reports, ''
  if closes then
    plain_events, plain_tail = reports + 1, pack_closed(opened)
  end
  -- All reports before all grants: what one service gives back another may be granted.
  for i = 1, count do
    if not settle_service(plain_services[i], stored[i + 1], now) then
      return nil
    end
  end
  for i = 1, count do
    if not answer_service(i, now) then
      return nil
    end
  end
  local deadline, silent = now + update_supervision, 2 * plain_longest - now
  if silent > deadline then
    deadline = silent
  end
  if closes then
    deadline, state = now + retention, SESSION_CLOSED
  elseif deadline_before > deadline and count < array_size(header, starved_at + 1) then
    deadline = deadline_before
  end
  if not (plain_changed or closes) or timer == 0 or deadline < timer then
    return nil
  end

  -- Write.
  if plain_events > 0 then
    local entry = plain_entry or begin_entry(now, account_id, sequence + 1, 1) .. plain_tail
    call('XADD', keys[4], entry_id, 'e', entry, 's', update_stamp)
  end
  write_account(sequence + plain_events, now, slack, run_from, run_until)
  header = pack_header(header, state, seen_from, now, deadline, seen_until)
  write_session(keys[2], header, count)
  return now, plain_answer
end

local function charge_plainly(keys, args)
  bind_globals()
  forget_opened()
  local packed = args[1]
  if #packed > PLAIN_TEXT_MAX then
    return nil
  end
  local policy_at, given, session_id, number, phase, fingerprint, account_id, profile =
    unpack_some(packed, 8, 1)
  if phase ~= PHASE_UPDATE then
    return nil
  end
  local asks_at, _, _, supervision, _, grace = unpack_some(packed, 5, policy_at + 1)
  local count, asks_until = read_asks(args, asks_at)
  if not count then
    return nil
  end
  local _, _, sharing = unpack_some(packed, 2, asks_until)
  local entry_id = open_partition(keys[3])
  if sharing or not entry_id then
    return nil
  end
  session_id, account_id = id_in(keys[2], keys[3]), id_in(keys[1], keys[3])
  set_update(given, session_id, number, fingerprint, account_id, profile, args[2])
  update_supervision, update_grace = supervision, grace
  update_track = false
  local now, answer = charge_update(keys, entry_id, read_fields(keys[2], count), count)
  return now and { REPLY_DONE, answer }
end
