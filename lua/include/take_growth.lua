--- @include "access_record"
-- Growth of a session's running totals: what a report adds to what the NAS said before.
local WORD, HALF_WORD = 4294967296, 2147483648

-- growth_of(last, total, width, most): how much a total grew, or nil where it fell and did not pass 2^32.
-- A fall may be such a pass on a NAS of 32 bits, where what was used then is what the line can carry in
-- that time, or half a word where nobody knows it.
function nas.growth_of(last, total, width, most)
  if not total then
    return 0
  end
  local before = width == 32 and last % WORD or last
  if total >= before then
    return total - before
  end
  local growth = total + WORD - before
  if width == 32 and growth <= (most or HALF_WORD - 1) then
    return growth
  end
  return nil
end

-- growth_anew(growth, total, most): what a total adds that may be of a new count: all of it, where the line
-- can have carried that much since the last report. Else the NAS has only put it right: it adds what it
-- grew by, if it did not fall.
function nas.growth_anew(growth, total, most)
  if not total or (most and total > most) then
    return growth or 0
  end
  return total
end

-- carried(rate, elapsed_ms): what a line can carry in a time, twice its rate for bursts; nil where nobody
-- knows its rate.
function nas.carried(rate, elapsed_ms)
  return rate > 0 and rate * elapsed_ms / 500 + BURST_OCTETS or nil
end

-- How much longer than since we heard of it a session may have lasted: a day, and what clocks are off.
local LONGER_MS = 90000000

-- is_too_long(seconds, event_at, opened): whether no clock can have counted so many seconds since a session
-- began: a NAS whose clock was put back says nearly 2^32.
function nas.is_too_long(seconds, event_at, opened)
  return seconds * 1000 > event_at - opened + LONGER_MS
end

-- is_ahead(track, upload, download, width): whether totals say more than those before, and can be no others
-- than of the same count: then no report has overtaken them, whatever their session time.
function nas.is_ahead(track, upload, download, width)
  local last_up, last_down = track[TRACK_UPLOAD], track[TRACK_DOWNLOAD]
  local has_passed = width == 32 and (last_up >= WORD or last_down >= WORD)
  if track[TRACK_EPOCHS] > 0 or has_passed or not upload or not download then
    return false
  end
  return upload >= last_up and download >= last_down and upload + download > last_up + last_down
end

-- take_growth(track, report): moves a session's totals by a report. Returns upload, download and
-- seconds that are new, and what the report was: OUTCOME_TAKEN, or OUTCOME_LATE for one that was
-- overtaken, which changes nothing; and whether the NAS began to count anew.
function nas.take_growth(track, report)
  local seconds, event_at = report[REPORT_SECONDS], report[REPORT_EVENT_AT]
  local last_seconds, last_at = track[TRACK_SECONDS], track[TRACK_EVENT_AT]
  local upload, download = report[REPORT_UPLOAD], report[REPORT_DOWNLOAD]
  local width, rates = report[REPORT_WIDTH], report[REPORT_RATES]
  if seconds and nas.is_too_long(seconds, event_at, track[TRACK_OPENED]) then
    seconds = false
  end
  if seconds and seconds < last_seconds then
    if not nas.is_ahead(track, upload, download, width) then
      return 0, 0, 0, OUTCOME_LATE, false
    end
    seconds = last_seconds
  end
  local elapsed = seconds and (seconds - last_seconds) * 1000 or math.max(0, event_at - last_at)
  local most_up = nas.carried(rates[GAUGE_UPLOAD], elapsed)
  local most_down = nas.carried(rates[GAUGE_DOWNLOAD], elapsed)
  local last_up, last_down = track[TRACK_UPLOAD], track[TRACK_DOWNLOAD]
  local fell = (upload and upload < (width == 32 and last_up % WORD or last_up))
    or (download and download < (width == 32 and last_down % WORD or last_down))
  local newer = event_at > last_at
  if seconds then
    newer = seconds > last_seconds
  end
  if fell and not newer then
    -- Fallen totals of a moment that is not after the last one are an old report.
    return 0, 0, 0, OUTCOME_LATE, false
  end
  local up = nas.growth_of(last_up, upload, width, most_up)
  local down = nas.growth_of(last_down, download, width, most_down)
  local epoch = not up or not down
  if epoch then
    up = nas.growth_anew(up, upload, most_up)
    down = nas.growth_anew(down, download, most_down)
    track[TRACK_UPLOAD] = upload or last_up
    track[TRACK_DOWNLOAD] = download or last_down
    track[TRACK_EPOCHS] = track[TRACK_EPOCHS] + 1
  else
    track[TRACK_UPLOAD] = track[TRACK_UPLOAD] + up
    track[TRACK_DOWNLOAD] = track[TRACK_DOWNLOAD] + down
  end
  track[TRACK_UPLOAD_SUM] = track[TRACK_UPLOAD_SUM] + up
  track[TRACK_DOWNLOAD_SUM] = track[TRACK_DOWNLOAD_SUM] + down
  local longer = seconds and seconds - last_seconds or 0
  track[TRACK_SECONDS] = last_seconds + longer
  if event_at > last_at then
    track[TRACK_EVENT_AT] = event_at
  end
  return up, down, longer, OUTCOME_TAKEN, epoch
end
