--- @include "read_pair"
--- @include "take_growth"
--- @include "record_report"
-- report_plainly(keys, args): the report that nearly every report is, taken the short way: an interim one
-- of a session that has started, on an account without fair use, whose totals grew (or at least its
-- clock moved), and whose growth charge_update charges plainly. Returns the reply, or nil having
-- changed nothing: then it is record_report's to answer, whose rules these are. Both leave the same
-- behind, but that sessions of the account that fell silent are dropped by the other only: they count
-- no more either way.

-- Of one call; kept so that no call makes tables.
local plain_report, plain_track = blank_row(REPORT_GAUGES), blank_row(TRACK_ENDS_AT)
local plain_rates, plain_gauges = blank_row(GAUGE_SECONDS), {}
local plain_limits, plain_growth = {}, {}
local find, packed_live

-- bind_report(): what this file uses beside charge_plainly, once.
local function bind_report()
  bind_globals()
  if not find then
    find, packed_live = string.find, string.char(PACKED_ARRAY + LIVE_BOUND)
    plain_report[REPORT_RATES], plain_report[REPORT_GAUGES] = plain_rates, plain_gauges
    plain_track[TRACK_LIMITS] = plain_limits
  end
end

-- read_plainly(packed): reads a report. Returns how many services it has, and where it is from: name and
-- session of the NAS, device, port, user; nil for one that is not plain.
local function read_plainly(packed)
  if byte(packed, 1) ~= PACKED_LONG_ARRAY then
    return nil
  end
  local report, rates = plain_report, plain_rates
  local expires_from, status, event_at, upload, download, width, seconds, factor, name, key, station, port, user =
    unpack_some(packed, 12, 3)
  if status ~= STATUS_INTERIM then
    return nil
  end
  local rates_at, gauges_at
  rates_at, report[REPORT_EXPIRES_AT] = unpack_some(packed, 1, expires_from)
  gauges_at, rates[1], rates[2], rates[3], rates[4] = unpack_some(packed, 4, rates_at + 1)
  local count, caps_at = read_pair(packed, gauges_at, plain_gauges)
  if not count or byte(packed, caps_at + 1) ~= PACKED_ARRAY then
    return nil
  end
  report[REPORT_EVENT_AT], report[REPORT_UPLOAD] = event_at, upload
  report[REPORT_DOWNLOAD], report[REPORT_WIDTH] = download, width
  report[REPORT_SECONDS], report[REPORT_STALE_FACTOR] = seconds, factor
  return count, name, key, station, port, user
end

-- open_track(packed): reads what the NAS said before. Returns where the values that a plain report leaves
-- alone begin; nil for a session that it does not take.
local function open_track(packed)
  if not packed or byte(packed, 1) ~= PACKED_LONG_ARRAY or byte(packed, 3) ~= TRACK_ENDS_AT then
    return nil
  end
  local track = plain_track
  local kept_from, version, state, number, opened, event_at, seconds, upload, download, upload_sum, download_sum =
    unpack_some(packed, 10, 3)
  local limits_at, epochs, interim, level, wanted = unpack_some(packed, 5, kept_from)
  if
    version ~= SCHEMA_VERSION
    or state ~= TRACK_STARTED
    or level ~= LEVEL_FULL
    or wanted ~= LEVEL_FULL
  then
    return nil
  end
  local count, ends_from = read_pair(packed, limits_at, plain_limits)
  if not count then
    return nil
  end
  track[TRACK_NUMBER], track[TRACK_OPENED], track[TRACK_EVENT_AT] = number, opened, event_at
  track[TRACK_SECONDS], track[TRACK_UPLOAD], track[TRACK_DOWNLOAD] = seconds, upload, download
  track[TRACK_UPLOAD_SUM], track[TRACK_DOWNLOAD_SUM] = upload_sum, download_sum
  track[TRACK_EPOCHS], track[TRACK_INTERIM_S] = epochs, interim
  track[TRACK_LEVEL], track[TRACK_WANTED] = level, wanted
  local _, told_end, ends_at = unpack_some(packed, 2, ends_from)
  track[TRACK_TOLD_END], track[TRACK_ENDS_AT] = told_end, ends_at
  return kept_from
end

-- pack_track(packed, kept_from): what the NAS has said by now.
local function pack_track(packed, kept_from)
  local track = plain_track
  return pack_bytes(
    '>BBBBBBI8BI8BI8BI8BI8BI8BI8BI8c0',
    PACKED_LONG_ARRAY,
    0,
    TRACK_ENDS_AT,
    SCHEMA_VERSION,
    TRACK_STARTED,
    PACKED_WIDE,
    track[TRACK_NUMBER],
    PACKED_WIDE,
    track[TRACK_OPENED],
    PACKED_WIDE,
    track[TRACK_EVENT_AT],
    PACKED_WIDE,
    track[TRACK_SECONDS],
    PACKED_WIDE,
    track[TRACK_UPLOAD],
    PACKED_WIDE,
    track[TRACK_DOWNLOAD],
    PACKED_WIDE,
    track[TRACK_UPLOAD_SUM],
    PACKED_WIDE,
    track[TRACK_DOWNLOAD_SUM],
    sub(packed, kept_from + 1)
  )
end

-- grow(count): takes the growth of the totals into the track and the services. Returns whether it is a
-- plain one.
local function grow(count)
  local report, track = plain_report, plain_track
  local last_at = track[TRACK_EVENT_AT]
  local up, down, longer, outcome, epoch = nas.take_growth(track, report)
  if
    outcome ~= OUTCOME_TAKEN
    or epoch
    or (up + down + longer == 0 and report[REPORT_EVENT_AT] <= last_at)
    or up + down >= AMOUNT_LIMIT
    or track[TRACK_UPLOAD_SUM] + track[TRACK_DOWNLOAD_SUM] >= AMOUNT_LIMIT
  then
    return false
  end
  plain_growth[1], plain_growth[2], plain_growth[3] = up, down, longer
  if nas.is_near(track, report, plain_growth) then
    return false
  end
  for i = 1, count do
    local service, gauge = plain_services[i], plain_gauges[i]
    local rate = plain_rates[gauge]
    service[PLAIN_REPORTED] = nas.gauge(gauge, up, down, longer)
    if rate > 0 then
      service[PLAIN_WANT] = rate * 2 * track[TRACK_INTERIM_S]
    end
  end
  return true
end

-- find_until(access, id, name, key, station, port, user): the offset of the time until which a session
-- counts, in the packed record; nil where the record says something else of it than the report.
local function find_until(access, id, name, key, station, port, user)
  if not access or byte(access, 2) ~= SCHEMA_VERSION then
    return nil
  end
  local _, till = find(access, packed_live .. pack_value(id), 1, true)
  if not till or byte(access, till + 1) ~= PACKED_WIDE then
    return nil
  end
  local _, since, live_nas, live_key, live_station, live_port, live_user, bound =
    unpack_some(access, 7, till + 9)
  if
    since == plain_track[TRACK_OPENED]
    and live_nas == name
    and live_key == key
    and live_station == station
    and live_port == port
    and live_user == user
    and bound == nas.is_bound(plain_track)
  then
    return till + 1
  end
  return nil
end

local function report_plainly(keys, args)
  bind_report()
  forget_opened()
  local packed, session_key, access_key, nas_key = args[1], keys[2], keys[6], keys[7]
  if #packed > PLAIN_TEXT_MAX then
    return nil
  end
  local gauges, name, key, station, port, user = read_plainly(args[#args])
  if not gauges then
    return nil
  end
  local policy_at, given, id, _, _, _, account_id, profile = unpack_some(packed, 8, 1)
  local asks_at, _, _, _, _, grace = unpack_some(packed, 5, policy_at + 1)
  local count, asks_until = read_asks(args, asks_at)
  if count ~= gauges then
    return nil
  end
  local _, _, sharing = unpack_some(packed, 2, asks_until)
  local epoch = open_partition(keys[3])
  if sharing or not epoch then
    return nil
  end

  -- Read, and decide what was used.
  local stored = read_fields(session_key, count, 'r')
  local track = stored[count + 2]
  local kept_from = open_track(track)
  if not kept_from or not grow(count) then
    return nil
  end
  local until_at = find_until(call('GET', access_key), id, name, key, station, port, user)
  if not until_at then
    return nil
  end
  local counted, now = call('ZSCORE', nas_key, id), read_time(given, 0)
  if nas.is_expired(plain_report, now) then
    return nil
  elseif plain_track[TRACK_ENDS_AT] > 0 then
    -- A read only: a timer key of the wrong type must fail before the first write.
    call('ZCARD', keys[5])
  end
  local stale_ms = plain_track[TRACK_INTERIM_S] * 1000 * plain_report[REPORT_STALE_FACTOR]
  local number = plain_track[TRACK_NUMBER] + 1
  plain_track[TRACK_NUMBER] = number
  set_update(now, id, number, false, account_id, profile, args[2])
  plain_update[UPDATE_SUPERVISION], plain_update[UPDATE_GRACE] = stale_ms, grace
  plain_update[UPDATE_TRACK] = pack_track(track, kept_from)
  if not charge_update(keys, epoch, stored, count) then
    return nil
  end

  -- Written after the charge: that the session counts longer.
  write_octets(access_key, until_at, pack_bytes('>I8', now + stale_ms))
  nas.watch_end(keys[5], plain_track, id)
  nas.count_longer(nas_key, id, counted, now, stale_ms)
  local answer = pack_bytes(
    '>BBBI8BBBBB',
    PACKED_ARRAY + REPORTED_EPOCH,
    OUTCOME_TAKEN,
    PACKED_WIDE,
    now,
    PACKED_FALSE,
    LEVEL_FULL,
    LEVEL_FULL,
    PACKED_ARRAY,
    PACKED_FALSE
  )
  return { REPLY_DONE, answer }
end
