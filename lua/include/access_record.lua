--- @include "read_time"
-- The network access of an account: which of its sessions may be live, and what fair use counts.

-- Functions of network access are fields of one table: Lua has room for 200 locals in the library.
local nas = {}

-- read_access(key): the record, a new one where there is none; or nil where a newer version wrote it.
function nas.read_access(key)
  local packed = redis.call('GET', key)
  if not packed then
    return { SCHEMA_VERSION, {}, {} }
  end
  local access = cmsgpack.unpack(packed)
  if access[ACCESS_VERSION] > SCHEMA_VERSION then
    return nil
  end
  return access
end

-- write_access(key, access): keeps the record while there is something in it.
function nas.write_access(key, access)
  if #access[ACCESS_SESSIONS] == 0 and #access[ACCESS_CAPS] == 0 then
    redis.call('DEL', key)
  else
    redis.call('SET', key, cmsgpack.pack(access))
  end
end

-- read_track(packed): what a NAS said of a session, as a version before may have written it.
function nas.read_track(packed)
  local track = cmsgpack.unpack(packed)
  if track[TRACK_VERSION] <= SCHEMA_VERSION and not track[TRACK_LIMITS] then
    track[TRACK_LIMITS], track[TRACK_TOLD_END], track[TRACK_ENDS_AT] = {}, 0, 0
  end
  return track
end

-- is_bound(track): whether a credit may lift something of a session.
function nas.is_bound(track)
  local limits = track[TRACK_LIMITS]
  for i = 1, #limits do
    if limits[i] then
      return true
    end
  end
  return track[TRACK_TOLD_END] > 0
    or track[TRACK_LEVEL] >= LEVEL_LADDER
    or track[TRACK_WANTED] >= LEVEL_LADDER
end

-- watch_end(timers_key, ends_at, id): has the sweeper look when what a session may use ends, 0 for no
-- moment. A timer that stands before stays: it is set again then.
function nas.watch_end(timers_key, ends_at, id)
  if ends_at > 0 then
    redis.call('ZADD', timers_key, 'LT', time_text(ends_at), 's:' .. id)
  end
end

-- same_spot(station, port, other_station, other_port): whether two sessions of a user are of one device; or
-- at one port, where the device of one of them is not known: a radio, or a trunk, is one port for all.
function nas.same_spot(station, port, other_station, other_port)
  if station and other_station then
    return station == other_station
  end
  return (port and port == other_port) or false
end

-- same_place(live, user, name, station, port): whether a session is where another begins: there a NAS has
-- one session of a user at a time.
function nas.same_place(live, user, name, station, port)
  return live[LIVE_USER] == user
    and live[LIVE_NAS] == name
    and nas.same_spot(station, port, live[LIVE_STATION], live[LIVE_PORT])
end

-- drop_dead(access, now): forgets the sessions that fell silent. Returns whether there were any.
function nas.drop_dead(access, now)
  local sessions, dropped = access[ACCESS_SESSIONS], false
  for i = #sessions, 1, -1 do
    if sessions[i][LIVE_UNTIL] <= now then
      table.remove(sessions, i)
      dropped = true
    end
  end
  return dropped
end

-- put_live(access, entry): enters a session, or what is new of it. Returns until when it counted before,
-- nil for a new one.
function nas.put_live(access, entry)
  local sessions = access[ACCESS_SESSIONS]
  for i = 1, #sessions do
    if sessions[i][LIVE_ID] == entry[LIVE_ID] then
      local until_ms = sessions[i][LIVE_UNTIL]
      sessions[i] = entry
      return until_ms
    end
  end
  sessions[#sessions + 1] = entry
  return nil
end

-- is_longer(until_ms, since, now, stale_ms): whether a report lets its session be one of its NAS for longer:
-- the first report in each stretch of twice the time of silence, counted from when it began, so that
-- most reports leave that alone. until_ms is until when it counted by the report before.
function nas.is_longer(until_ms, since, now, stale_ms)
  local stretch, before = 2 * stale_ms, until_ms - stale_ms - since
  local after = now - since
  return after - after % stretch ~= before - before % stretch
end

-- count_longer(nas_key, id, now, stale_ms): lets a session be one of its NAS until the next stretch
-- (is_longer) has surely begun, and for the time of silence from then on.
function nas.count_longer(nas_key, id, now, stale_ms)
  redis.call('ZADD', nas_key, time_text(now + 4 * stale_ms), id)
end

-- take_live(access, id): takes a session out. Returns it, or nil.
function nas.take_live(access, id)
  local sessions = access[ACCESS_SESSIONS]
  for i = 1, #sessions do
    if sessions[i][LIVE_ID] == id then
      return table.remove(sessions, i)
    end
  end
  return nil
end

-- gauge(which, up, down, seconds): what a service or a cap counts of a growth.
function nas.gauge(which, up, down, seconds)
  if which == GAUGE_TOTAL then
    return up + down
  elseif which == GAUGE_DOWNLOAD then
    return down
  elseif which == GAUGE_UPLOAD then
    return up
  end
  return seconds
end

-- counted_by(track, which): what a NAS says that a session has used since it began.
function nas.counted_by(track, which)
  return nas.gauge(which, track[TRACK_UPLOAD], track[TRACK_DOWNLOAD], track[TRACK_SECONDS])
end

-- The longest period of a cap: a month of 31 days, and the hour that clocks are changed by.
local PERIOD_MAX_MS = 2682000000

-- count_caps(access, caps, now, up, down): adds to the caps whose period is running, and forgets those
-- whose period is over. Returns the level of the highest cap that is passed, 0 for none, and
-- whether anything was counted.
function nas.count_caps(access, caps, now, up, down)
  local level, kept, before, known = 0, {}, access[ACCESS_CAPS], {}
  for i = 1, #caps do
    local cap = caps[i]
    known[cap[FAIR_CAP]] = true
    if cap[FAIR_FROM] <= now and now < cap[FAIR_UNTIL] then
      local counted = nas.gauge(cap[FAIR_GAUGE], up, down, 0)
      for k = 1, #before, CAP_WIDTH do
        if before[k] == cap[FAIR_CAP] and before[k + 1] == cap[FAIR_FROM] then
          counted = counted + before[k + 2]
        end
      end
      local n = #kept
      kept[n + 1], kept[n + 2], kept[n + 3] =
        cap[FAIR_CAP], cap[FAIR_FROM], math.min(counted, AMOUNT_LIMIT - 1)
      if counted >= cap[FAIR_OCTETS] and cap[FAIR_LEVEL] > level then
        level = cap[FAIR_LEVEL]
      end
    end
  end
  for k = 1, #before, CAP_WIDTH do
    -- Those of the account's other subscribers, as long as their period may still run.
    if not known[before[k]] and before[k + 1] > now - PERIOD_MAX_MS then
      local n = #kept
      kept[n + 1], kept[n + 2], kept[n + 3] = before[k], before[k + 1], before[k + 2]
    end
  end
  access[ACCESS_CAPS] = kept
  return level, #caps > 0
end
