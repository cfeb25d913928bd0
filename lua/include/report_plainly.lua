--- @include "open_request"
--- @include "charge_plainly"
--- @include "take_growth"
--- @include "record_report"
-- report_plainly(keys, args): the report that nearly every report is, taken the short way: a brief one of a
-- session that has started, whose totals grew (or at least its clock moved), and whose growth
-- charge_update charges plainly; the first one of a session that was admitted and takes nobody's place, by
-- which nothing has been used yet; and the last one. Returns the reply, or nil having changed nothing: then
-- it is to come whole, and is record_report's to answer, whose rules these are. Both leave the same
-- behind, but that interim reports let only the other drop sessions of the account that fell silent: they
-- count no more either way.

local find

-- The reply to the last plain report, and its moment.
local reported_at, reported_reply

-- WORD: one past what 32 bits hold.
local WORD = 4294967296

-- pack_track(number, opened, event_at, seconds, upload, download, up_sum, down_sum, kept): what a NAS has
-- said by now, with what a report leaves alone behind it.
local function pack_track(number, opened, event_at, seconds, upload, download, up_sum, down_sum, kept)
  if up_sum < WORD and down_sum < WORD and upload < WORD and download < WORD then
    return pack_bytes(
      '>I5I5BI8BI8I5I5I5I5I5c0',
      PACKED_LONG_ARRAY * 4294967296 + TRACK_ENDS_AT * 65536 + SCHEMA_VERSION * 256 + TRACK_STARTED,
      WORD_HEAD + number,
      PACKED_WIDE,
      opened,
      PACKED_WIDE,
      event_at,
      WORD_HEAD + seconds,
      WORD_HEAD + upload,
      WORD_HEAD + download,
      WORD_HEAD + up_sum,
      WORD_HEAD + down_sum,
      kept
    )
  end
  return pack_bytes(
    '>I5I5BI8BI8I5BI8BI8BI8BI8c0',
    PACKED_LONG_ARRAY * 4294967296 + TRACK_ENDS_AT * 65536 + SCHEMA_VERSION * 256 + TRACK_STARTED,
    WORD_HEAD + number,
    PACKED_WIDE,
    opened,
    PACKED_WIDE,
    event_at,
    WORD_HEAD + seconds,
    PACKED_WIDE,
    upload,
    PACKED_WIDE,
    download,
    PACKED_WIDE,
    up_sum,
    PACKED_WIDE,
    down_sum,
    kept
  )
end

-- read_services(said, count, at): reads the services of a report. Returns where they end; nil where not all of
-- their terms are known.
local function read_services(said, count, at)
  for i = 1, count do
    local service = plain_services[i]
    if not service then
      service = blank_row(PLAIN_FIELD)
      plain_services[i] = service
    end
    local digest
    at, service[PLAIN_KEY], service[PLAIN_GAUGE], service[PLAIN_RATE], service[PLAIN_WANT], service[PLAIN_REASON], digest =
      unpack_some(said, TOLD_TERMS, at)
    local terms = open_terms(digest)
    if not terms then
      return nil
    end
    service[PLAIN_TERMS] = terms
  end
  return at
end

-- read_limits(track, at): what the NAS was told, and when what may be used ends: the limits of two services
-- at most, nil for those that have none, and both ends; no end for more limits than that.
local function read_limits(track, at)
  local told = byte(track, at + 1) - PACKED_ARRAY
  if told > 2 then
    return nil
  end
  local _, first, second, third, fourth = unpack_some(track, told + 2, at + 1)
  if told == 1 then
    return first, nil, second, third
  elseif told == 0 then
    return nil, nil, first, second
  end
  return first, second, third, fourth
end

-- count_cap(access, at, names, growth, most): what a cap has counted by now, packed behind its names, and where
-- it ends in the record; nil where it does not stand there at an offset, would take more octets
-- there, or is passed.
local function count_cap(access, at, names, growth, most)
  if find(access, names, at + 1, true) ~= at + 1 then
    return nil
  end
  at = at + #names
  local head, till, value = byte(access, at + 1), unpack_some(access, 1, at)
  value = value + growth
  if value >= most then
    return nil
  elseif growth == 0 then
    return names .. sub(access, at + 1, till), till
  elseif head == PACKED_WIDE then
    return pack_bytes('>c0BI8', names, PACKED_WIDE, value), till
  elseif head == PACKED_WORD and value < WORD then
    return pack_bytes('>c0I5', names, WORD_HEAD + value), till
  end
  return nil
end

-- count_caps(access, said, at, count, now, up, down): what fair use has counted by now in the periods that are
-- running, of those that a report names, and where that stands in the record: its octets are as many as
-- before. nil where the record has others.
local function count_caps(access, said, at, count, now, up, down)
  local running, counted, from, till = 0, '', nil, nil
  for _ = 1, count do
    local id, since, until_ms, gauge, most
    at, id, since, until_ms, gauge, most = unpack_some(said, FAIR_OCTETS, at)
    if since <= now and now < until_ms then
      local names, one = pack_value(id, since), nil
      from = from or find(access, names, 1, true)
      one, till = count_cap(access, till or (from or 0) - 1, names, nas.gauge(gauge, up, down, 0), most)
      if not one then
        return nil
      end
      running, counted = running + 1, counted .. one
    end
  end
  -- In front of them stands how many they are, and nothing behind them: an offset of -1.
  local head = PACKED_ARRAY + CAP_WIDTH * running
  if till ~= -1 or running > PLAIN_CAPS_MAX or byte(access, from - 1) ~= head then
    return nil
  end
  return pack_bytes('>Bc0', head, counted), from - 2
end

-- take_report(track, count, status, event_at, upload, download, width, seconds): takes the growth of the totals
-- since what the NAS said before into the services. Returns the track as it is by now, its number, when the
-- session began, whether its NAS was told a limit, the seconds from report to report, when what it may use
-- ends, and the growth of both totals; nil for what is not plain.
local function take_report(track, count, status, event_at, upload, download, width, seconds)
  if not track then
    return nil
  end
  local head, _, size = byte(track, 1, 3)
  if head ~= PACKED_LONG_ARRAY or size ~= TRACK_ENDS_AT then
    return nil
  end
  local kept_from, version, state, number, opened, last_at, last_seconds, last_up, last_down, up_sum, down_sum =
    unpack_some(track, TRACK_DOWNLOAD_SUM, 3)
  local limits_at, _, interim, level, wanted = unpack_some(track, 5, kept_from)
  local limit, other_limit, told_end, ends_at = read_limits(track, limits_at)
  if
    version ~= SCHEMA_VERSION
    or state ~= (status == STATUS_START and TRACK_PROVISIONAL or TRACK_STARTED)
    or level ~= LEVEL_FULL
    or wanted ~= LEVEL_FULL
    or not ends_at
    or seconds < last_seconds
    or nas.is_too_long(seconds, event_at, opened)
  then
    return nil
  end

  -- How much it grew.
  local longer, up, down = seconds - last_seconds, upload - last_up, download - last_down
  if width == 32 then
    up, down = upload - last_up % WORD, download - last_down % WORD
  end
  local grown = up + down + longer
  if
    up < 0
    or down < 0
    or (status == STATUS_INTERIM and grown == 0 and event_at <= last_at)
    or (status == STATUS_START and grown > 0)
  then
    return nil
  end
  upload, download, up_sum, down_sum = last_up + up, last_down + down, up_sum + up, down_sum + down
  if up_sum + down_sum >= AMOUNT_LIMIT then
    return nil
  end
  local bound = (limit or other_limit or told_end > 0) and PACKED_TRUE or PACKED_FALSE
  for i = 1, count do
    local service = plain_services[i]
    local which, rate = service[PLAIN_GAUGE], service[PLAIN_RATE]
    local used = nas.gauge(which, up, down, longer)
    local soon = 2 * used
    if rate > 0 then
      soon = rate * 2 * interim
      service[PLAIN_WANT] = soon
    end
    if status == STATUS_STOP then
      service[PLAIN_WANT] = WANT_NOTHING
    elseif limit and limit - nas.gauge(which, upload, download, seconds) < soon then
      return nil
    end
    service[PLAIN_REPORTED] = used
    limit = other_limit
  end
  if event_at < last_at then
    event_at = last_at
  end
  number = number + 1
  local kept = sub(track, kept_from + 1)
  return pack_track(number, opened, event_at, seconds, upload, download, up_sum, down_sum, kept),
    number,
    opened,
    bound,
    interim,
    ends_at,
    up,
    down
end

-- find_until(access, id, opened, place, bound): the offset of the time until which a session counts, in the
-- packed record, and that time; nil where the record says something else of it than the report.
local function find_until(access, id, opened, place, bound)
  if not access or byte(access, 2) ~= SCHEMA_VERSION then
    return nil
  end
  local from, till = find(access, id, 1, true)
  -- In front of it stand its head, of an octet or two, and that of its array.
  if not from or byte(access, from - (#id < 32 and 2 or 3)) ~= PACKED_ARRAY + LIVE_BOUND then
    return nil
  end
  local place_at, until_ms, since = unpack_some(access, 2, till)
  if
    since == opened
    and byte(access, till + 1) == PACKED_WIDE
    and find(access, place, place_at + 1, true) == place_at + 1
    and byte(access, place_at + #place + 1) == bound
  then
    return till + 1, until_ms
  end
  return nil
end

-- pack_live(access, live, kept, from, till): the record with so many live sessions, these first, and what
-- stands in the record between two offsets behind them.
local function pack_live(access, live, kept, from, till)
  return pack_bytes('>c0Bc0c0', sub(access, 1, 2), PACKED_ARRAY + live, kept, sub(access, from + 1, till))
end

-- array_of_few(access): how many sessions the record has, and where they begin; nil where another version
-- wrote it, or where they are so many that their number takes more than an octet.
local function array_of_few(access)
  if byte(access, 1) ~= PACKED_ARRAY + ACCESS_CAPS or byte(access, 2) ~= SCHEMA_VERSION then
    return nil
  end
  local count, at = array_size(access, 2)
  return at == 3 and count or nil, at
end

-- is_all(access, at, caps): whether behind the sessions, which end at an offset of the record, stands nothing
-- but the caps that a report names: count_caps has looked at those.
local function is_all(access, at, caps)
  return caps ~= '' or (#access == at + 1 and byte(access, at + 1) == PACKED_ARRAY)
end

-- start_live(access, id, opened, until_ms, place, bound, caps, now): the record once a session has started:
-- where its report says that it is, until it would have fallen silent, and without those that have. nil
-- where this one is not among them, or takes the place of another.
local function start_live(access, id, opened, until_ms, place, bound, caps, now)
  local count, at = array_of_few(access)
  if not count then
    return nil
  end
  local _, name, _, station, port, user = unpack_some(place, 5, 0)
  local kept, from, live, is_met = '', at, 0, false
  for _ = 1, count do
    if byte(access, at + 1) ~= PACKED_ARRAY + LIVE_BOUND then
      return nil
    end
    local till, live_id, lasts_until, since, live_nas, _, live_station, live_port, live_user =
      unpack_some(access, LIVE_BOUND, at + 1)
    local here = live_user == user
      and live_nas == name
      and nas.same_spot(station, port, live_station, live_port)
    if live_id == id then
      is_met = lasts_until > now
      kept = pack_bytes(
        '>c0c0Bc0BI8BI8c0B',
        kept,
        sub(access, from + 1, at),
        PACKED_ARRAY + LIVE_BOUND,
        pack_value(id),
        PACKED_WIDE,
        until_ms,
        PACKED_WIDE,
        opened,
        place,
        bound
      )
      from, live = till, live + 1
    elseif here and since < opened then
      return nil
    elseif lasts_until <= now then
      kept, from = kept .. sub(access, from + 1, at), till
    else
      live = live + 1
    end
    at = till
  end
  if not is_met or not is_all(access, at, caps) then
    return nil
  end
  return pack_live(access, live, kept, from, #access)
end

-- end_live(access, id, caps): the record without a session that has ended, with what fair use has counted by
-- now; empty where there is nothing in it any more. nil where this one is not among them.
local function end_live(access, id, caps)
  local count, at = array_of_few(access)
  if not count then
    return nil
  end
  local first, from, till = at, nil, nil
  for _ = 1, count do
    if byte(access, at + 1) ~= PACKED_ARRAY + LIVE_BOUND then
      return nil
    end
    local behind, live_id = unpack_some(access, LIVE_BOUND, at + 1)
    if live_id == id then
      from, till = at, behind
    end
    at = behind
  end
  if not from or not is_all(access, at, caps) then
    return nil
  elseif count == 1 and caps == '' then
    return ''
  end
  local kept = sub(access, first + 1, from) .. sub(access, till + 1, at)
  if caps == '' then
    return pack_live(access, count - 1, kept, at, #access)
  end
  return pack_live(access, count - 1, kept .. caps, #access, #access)
end

-- reported(now): the reply to a plain report; the same one for all of a moment, as those of a batch are.
local function reported(now)
  if reported_at ~= now then
    local answer = pack_bytes(
      '>BBBI8I5',
      PACKED_ARRAY + REPORTED_EPOCH,
      OUTCOME_TAKEN,
      PACKED_WIDE,
      now,
      -- Not spent; at the full level, and wanted there; none replaced, no new count.
      PACKED_FALSE * 4294967296
        + LEVEL_FULL * 16777216
        + LEVEL_FULL * 65536
        + PACKED_ARRAY * 256
        + PACKED_FALSE
    )
    reported_at, reported_reply = now, { REPLY_DONE, answer }
  end
  return reported_reply
end

local function report_plainly(keys, args)
  bind_globals()
  find = find or string.find
  forget_opened()
  local said, session_key, access_key = args[1], keys[2], keys[6]
  local asked_at, given, profile, grace, status, event_at, upload, download, width, seconds, stale_factor, expires_at, told, place, count =
    unpack_some(said, BRIEF_SERVICES, 3)
  local entry_id, caps_from = open_partition(keys[3]), read_services(said, count, asked_at)
  if not entry_id or not caps_from then
    return nil
  end

  -- Read, and decide what was used.
  local stored = read_fields(session_key, count, 'r')
  local track, number, opened, bound, interim, ends_at, up, down =
    take_report(stored[count + 2], count, status, event_at, upload, download, width, seconds)
  local access = track and call('GET', access_key)
  if not access then
    return nil
  end
  local id, account_id = id_in(session_key, keys[3]), id_in(keys[1], keys[3])
  local now, stale_ms = read_time(given, 0), interim * 1000 * stale_factor
  local begins, ends = status == STATUS_START, status == STATUS_STOP
  -- Of sessions that lead to another, nothing but a start could be taken for plain.
  if begins and call('HEXISTS', session_key, 'p') == 1 then
    return nil
  end
  local cap_count = (byte(said, 3) - BRIEF_SERVICES - TOLD_TERMS * count) / FAIR_OCTETS
  local caps, caps_at = '', 0
  if cap_count > 0 then
    caps, caps_at = count_caps(access, said, caps_from, cap_count, now, up, down)
  end
  if not caps or (not ends and expires_at > 0 and expires_at <= now) then
    return nil
  end
  -- The record of live sessions: anew, or one of its times.
  local entered, until_at, until_ms
  if begins then
    entered = start_live(access, id, opened, now + stale_ms, place, bound, caps, now)
  elseif ends then
    entered = end_live(access, id, caps)
  else
    until_at, until_ms = find_until(access, id, opened, place, bound)
  end
  if not (entered or (until_at and until_ms > now)) then
    return nil
  end
  local is_longer = begins or (not ends and nas.is_longer(until_ms, opened, now, stale_ms))
  -- Reads only: keys of the wrong type must fail before the first write.
  if is_longer or ends then
    call('ZCARD', keys[7])
  end
  if ends_at > 0 and not ends then
    call('ZCARD', keys[5])
  end
  set_update(now, id, number, false, account_id, profile, args[2])
  update_supervision, update_grace = stale_ms, grace
  update_track, update_caps = track, caps
  update_cause = ends and told
  update_network = begins and told and nas.network_of(session_key, told)
  if not charge_update(keys, entry_id, stored, count) then
    return nil
  end

  -- Written after the charge: who is live, and for how long.
  if entered == '' then
    call('DEL', access_key)
  elseif entered then
    call('SET', access_key, entered)
  else
    write_octets(access_key, until_at, pack_bytes('>I8', now + stale_ms))
    if cap_count > 0 then
      write_octets(access_key, caps_at, caps)
    end
  end
  if ends then
    call('ZREM', keys[7], id)
    return reported(now)
  elseif begins then
    call('ZREMRANGEBYSCORE', keys[7], '-inf', now)
  end
  if ends_at > 0 then
    nas.watch_end(keys[5], ends_at, id)
  end
  if is_longer then
    nas.count_longer(keys[7], id, now, stale_ms)
  end
  return reported(now)
end
