--- @include "access_record"
-- Growth of a session's running totals: what a report adds to what the NAS said before.
local WORD, HALF_WORD = 4294967296, 2147483648

-- growth_of(last, total, width, rate, elapsed_ms): how much a total grew, or nil where it fell and did
-- not pass 2^32. A fall may be such a pass on a NAS of 32 bits, where what was used then is what
-- the line can carry in that time: twice its rate for bursts, or half a word where nobody knows it.
function nas.growth_of(last, total, width, rate, elapsed_ms)
  if not total then
    return 0
  end
  local before = width == 32 and last % WORD or last
  if total >= before then
    return total - before
  end
  local growth = total + WORD - before
  local most = rate > 0 and rate * elapsed_ms / 500 + BURST_OCTETS or HALF_WORD - 1
  if width == 32 and growth <= most then
    return growth
  end
  return nil
end

-- take_growth(track, report): moves a session's totals by a report. Returns upload, download and
-- seconds that are new, and what the report was: OUTCOME_TAKEN, or OUTCOME_LATE for one that was
-- overtaken, which changes nothing; and whether the NAS began to count anew.
function nas.take_growth(track, report)
  local seconds, event_at = report[REPORT_SECONDS], report[REPORT_EVENT_AT]
  local last_seconds, last_at = track[TRACK_SECONDS], track[TRACK_EVENT_AT]
  if seconds and seconds < last_seconds then
    return 0, 0, 0, OUTCOME_LATE, false
  end
  local upload, download = report[REPORT_UPLOAD], report[REPORT_DOWNLOAD]
  local width, rates = report[REPORT_WIDTH], report[REPORT_RATES]
  local elapsed = seconds and (seconds - last_seconds) * 1000 or math.max(0, event_at - last_at)
  local up = nas.growth_of(track[TRACK_UPLOAD], upload, width, rates[GAUGE_UPLOAD], elapsed)
  local down = nas.growth_of(track[TRACK_DOWNLOAD], download, width, rates[GAUGE_DOWNLOAD], elapsed)
  local epoch = not up or not down
  if epoch then
    -- Fallen totals of a moment that is not after the last one are an old report.
    local newer = event_at > last_at
    if seconds then
      newer = seconds > last_seconds
    end
    if not newer then
      return 0, 0, 0, OUTCOME_LATE, false
    end
    up, down = upload or 0, download or 0
    track[TRACK_UPLOAD], track[TRACK_DOWNLOAD] = up, down
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
