--- @include "charge_plainly"
--- @include "take_growth"
--- @include "record_report"
-- report_plainly(keys, args): the report that nearly every report is, taken the short way: an interim one
-- of a session that has started, on an account without fair use, whose totals grew (or at least its
-- clock moved), and whose growth charge_update charges plainly. Returns the reply, or nil having
-- changed nothing: then it is record_report's to answer, whose rules these are. Both leave the same
-- behind, but that sessions of the account that fell silent are dropped by the other only: they count
-- no more either way.

-- What a line carries, by what is counted; of one call, kept so that no call makes a table.
local plain_rates = blank_row(GAUGE_SECONDS)
local find

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

-- read_said(said, count): reads a report of so many services. Returns when it was said, both totals, how wide
-- the NAS counts, the seconds, how many reports may be missed, where the session is, when what was
-- bought is over, and what each service counts; nil for one that is not plain.
local function read_said(said, count)
  local rates_at, _, event_at, upload, download, width, seconds, stale_factor, place, expires_at =
    unpack_some(said, REPORT_EXPIRES_AT, 3)
  local rates, gauges_at = plain_rates, nil
  gauges_at, rates[1], rates[2], rates[3], rates[4] = unpack_some(said, GAUGE_SECONDS, rates_at + 1)
  local gauges, first, second, caps = byte(said, gauges_at + 1, gauges_at + 4)
  if count == 1 then
    caps = second
  end
  if count > 2 or gauges ~= PACKED_ARRAY + count or caps ~= PACKED_ARRAY then
    return nil
  end
  return event_at, upload, download, width, seconds, stale_factor, place, expires_at, first, second
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

-- take_report(said, track, count): reads a report and what its NAS said before, and takes the growth of the
-- totals into the services. Returns the track as it is by now, its number, when the session began, where
-- it is by word of its NAS, whether that was told a limit, for how long it may be silent, when what
-- was bought is over and when what it may use ends; nil for what is not plain.
local function take_report(said, track, count)
  if not track or byte(track, 1) ~= PACKED_LONG_ARRAY or byte(track, 3) ~= TRACK_ENDS_AT then
    return nil
  end
  local event_at, upload, download, width, seconds, stale_factor, place, expires_at, which, second =
    read_said(said, count)
  local kept_from, version, state, number, opened, last_at, last_seconds, last_up, last_down, up_sum, down_sum =
    unpack_some(track, TRACK_DOWNLOAD_SUM, 3)
  local limits_at, _, interim, level, wanted = unpack_some(track, 5, kept_from)
  local limit, other_limit, told_end, ends_at = read_limits(track, limits_at)
  if
    version ~= SCHEMA_VERSION
    or state ~= TRACK_STARTED
    or level ~= LEVEL_FULL
    or wanted ~= LEVEL_FULL
    or not ends_at
    or not (seconds and upload and download)
    or seconds < last_seconds
    or seconds >= WORD
  then
    return nil
  end

  -- How much it grew.
  local longer, up, down = seconds - last_seconds, upload - last_up, download - last_down
  if width == 32 then
    up, down = upload - last_up % WORD, download - last_down % WORD
  end
  if up < 0 or down < 0 or (up + down + longer == 0 and event_at <= last_at) then
    return nil
  end
  upload, download, up_sum, down_sum = last_up + up, last_down + down, up_sum + up, down_sum + down
  if up_sum + down_sum >= AMOUNT_LIMIT then
    return nil
  end
  local bound = (limit or other_limit or told_end > 0) and PACKED_TRUE or PACKED_FALSE
  for i = 1, count do
    local service, rate = plain_services[i], plain_rates[which]
    local used = nas.gauge(which, up, down, longer)
    local soon = 2 * used
    if rate > 0 then
      soon = rate * 2 * interim
      service[PLAIN_WANT] = soon
    end
    if limit and limit - nas.gauge(which, upload, download, seconds) < soon then
      return nil
    end
    service[PLAIN_REPORTED] = used
    which, limit = second, other_limit
  end
  if event_at < last_at then
    event_at = last_at
  end
  number = number + 1
  local kept = sub(track, kept_from + 1)
  return pack_track(number, opened, event_at, seconds, upload, download, up_sum, down_sum, kept),
    number,
    opened,
    place,
    bound,
    interim * 1000 * stale_factor,
    expires_at,
    ends_at
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

local function report_plainly(keys, args)
  bind_globals()
  find = find or string.find
  forget_opened()
  local packed, said, session_key, access_key = args[1], args[#args], keys[2], keys[6]
  local head, _, _, status = byte(said, 1, 4)
  if #packed > PLAIN_TEXT_MAX or head ~= PACKED_LONG_ARRAY or status ~= STATUS_INTERIM then
    return nil
  end
  local policy_at, given, id, _, _, _, account_id, profile = unpack_some(packed, 8, 1)
  local asks_at, _, _, _, _, grace = unpack_some(packed, 5, policy_at + 1)
  local count, asks_until = read_asks(args, asks_at)
  if not count then
    return nil
  end
  local _, _, sharing = unpack_some(packed, 2, asks_until)
  local epoch = open_partition(keys[3])
  if sharing or not epoch then
    return nil
  end

  -- Read, and decide what was used.
  local stored = read_fields(session_key, count, 'r')
  local track, number, opened, place, bound, stale_ms, expires_at, ends_at =
    take_report(said, stored[count + 2], count)
  if not track then
    return nil
  end
  local access = call('GET', access_key)
  local until_at, until_ms = find_until(access, id, opened, place, bound)
  if not until_at then
    return nil
  end
  local now = read_time(given, 0)
  if until_ms <= now or (expires_at > 0 and expires_at <= now) then
    return nil
  end
  local is_longer = nas.is_longer(until_ms, opened, now, stale_ms)
  -- Reads only: keys of the wrong type must fail before the first write.
  if is_longer then
    call('ZCARD', keys[7])
  end
  if ends_at > 0 then
    call('ZCARD', keys[5])
  end
  set_update(now, id, number, false, account_id, profile, args[2])
  plain_update[UPDATE_SUPERVISION], plain_update[UPDATE_GRACE] = stale_ms, grace
  plain_update[UPDATE_TRACK] = track
  if not charge_update(keys, epoch, stored, count) then
    return nil
  end

  -- Written after the charge: that the session counts longer.
  write_octets(access_key, until_at, pack_bytes('>I8', now + stale_ms))
  if ends_at > 0 then
    nas.watch_end(keys[5], ends_at, id)
  end
  if is_longer then
    nas.count_longer(keys[7], id, now, stale_ms)
  end
  local answer = pack_bytes(
    '>BBBI8I5',
    PACKED_ARRAY + REPORTED_EPOCH,
    OUTCOME_TAKEN,
    PACKED_WIDE,
    now,
    -- Not spent; at the full level, and wanted there; none replaced, no new count.
    PACKED_FALSE * 4294967296 + LEVEL_FULL * 16777216 + LEVEL_FULL * 65536 + PACKED_ARRAY * 256 + PACKED_FALSE
  )
  return { REPLY_DONE, answer }
end
