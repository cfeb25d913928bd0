-- Exact prices: the arithmetic of src/rating/charge.ts. The tariff compiler refuses a price that
-- could pass 2^53, so every product here stays below it, and below it a floored or ceiled quotient
-- of two doubles is exact.
--
-- A meter is what a service has used and paid under its current line: { units, billed by tier,
-- counter, gross, cost, opened }. METER_ positions are this file's own.
local METER_UNITS, METER_BILLED, METER_COUNTER = 1, 2, 3
local METER_GROSS, METER_COST, METER_OPENED = 4, 5, 6

-- The meter of a service that has used nothing, under a line without a counter; it is only read.
local blank_meter = { 0, {}, 0, 0, 0, false }

-- price_of(num, den, total): ceil(total * num / den) without the product total * num.
local function price_of(num, den, total)
  local rest = total % den
  return (total - rest) / den * num + math.ceil(rest * num / den)
end

-- units_of(num, den, money): the most units whose price is at most `money`.
local function units_of(num, den, money)
  if num == 0 then
    return AVAILABLE_MAX
  end
  local rest = money % num
  local units = (money - rest) / num * den + math.floor(rest * den / num)
  if units > AVAILABLE_MAX then
    return AVAILABLE_MAX
  end
  return units
end

-- billed_units(pulses, units): `units` rounded up to the line's steps.
local function billed_units(pulses, units)
  for i = #pulses - 1, 1, -2 do
    local from, step = pulses[i], pulses[i + 1]
    if from < units then
      return from + math.ceil((units - from) / step) * step
    end
  end
  return 0
end

-- whole_steps(pulses, billed): the most units that round up to no more than `billed`.
local function whole_steps(pulses, billed)
  for i = #pulses - 1, 1, -2 do
    local from, step = pulses[i], pulses[i + 1]
    if from <= billed then
      return billed - (billed - from) % step
    end
  end
  return 0
end

-- read_counter(account, key, period): what the account's counter holds in this period.
local function read_counter(account, key, period)
  local counters = account[ACCOUNT_COUNTERS]
  for i = 1, #counters, 3 do
    if counters[i] == key then
      return counters[i + 1] == period and counters[i + 2] or 0
    end
  end
  return 0
end

-- read_meter(account, service, window): the meter of a service under the line of a window.
local function read_meter(account, service, window)
  local line = window[WINDOW_LINE]
  local units, billed = 0, {}
  local totals = service[SERVICE_TOTALS]
  for i = 1, #totals, 3 do
    if totals[i] == line[LINE_ID] then
      units = totals[i + 1]
      local kept = totals[i + 2]
      for k = 1, #kept do
        billed[k] = kept[k]
      end
    end
  end
  local key = line[LINE_COUNTER]
  local counter = key and read_counter(account, key, window[WINDOW_PERIOD]) or 0
  return {
    units,
    billed,
    counter,
    service[SERVICE_GROSS],
    service[SERVICE_COST],
    service[SERVICE_OPENED],
  }
end

-- write_meter(account, service, window, meter): keeps what a debit moved. Returns the line's counter
-- as { key, period, units }, or nil where it has none.
local function write_meter(account, service, window, meter)
  local line = window[WINDOW_LINE]
  service[SERVICE_GROSS], service[SERVICE_COST] = meter[METER_GROSS], meter[METER_COST]
  service[SERVICE_OPENED] = meter[METER_OPENED]
  local totals = service[SERVICE_TOTALS]
  local place = #totals + 1
  for i = 1, #totals, 3 do
    if totals[i] == line[LINE_ID] then
      place = i
    end
  end
  totals[place], totals[place + 1] = line[LINE_ID], meter[METER_UNITS]
  totals[place + 2] = meter[METER_BILLED]
  local key = line[LINE_COUNTER]
  if key then
    local counters = account[ACCOUNT_COUNTERS]
    local at = #counters + 1
    for i = 1, #counters, 3 do
      if counters[i] == key then
        at = i
      end
    end
    counters[at], counters[at + 1] = key, window[WINDOW_PERIOD]
    counters[at + 2] = meter[METER_COUNTER]
    return { key, window[WINDOW_PERIOD], meter[METER_COUNTER] }
  end
  return nil
end

-- position_of(line, meter): where the next billed unit falls among the tiers.
local function position_of(line, meter)
  if line[LINE_COUNTER] then
    return meter[METER_COUNTER]
  end
  return billed_units(line[LINE_PULSES], meter[METER_UNITS])
end

-- charge_units(line, meter, units): moves the meter by units that money pays for; returns the money
-- due for them.
local function charge_units(line, meter, units)
  local pulses, tiers = line[LINE_PULSES], line[LINE_TIERS]
  local total = meter[METER_UNITS] + units
  local growth = billed_units(pulses, total) - billed_units(pulses, meter[METER_UNITS])
  local position = position_of(line, meter)
  local gross, billed = meter[METER_GROSS], meter[METER_BILLED]
  local gross_before, cap = gross, line[LINE_CAP]
  if not meter[METER_OPENED] then
    gross = gross + line[LINE_CONNECTION]
  end
  -- A counter stops at 2^53 - 1: it is in its last tier by then.
  meter[METER_COUNTER] = math.min(meter[METER_COUNTER] + growth, AMOUNT_LIMIT - 1)
  for i = 1, #tiers, 3 do
    local tier, part = (i + 2) / 3, growth
    local ends = tiers[i + 3]
    if ends and part > ends - position then
      part = ends > position and ends - position or 0
    end
    local before = billed[tier] or 0
    gross = gross
      + price_of(tiers[i + 1], tiers[i + 2], before + part)
      - price_of(tiers[i + 1], tiers[i + 2], before)
    billed[tier] = before + part
    growth, position = growth - part, position + part
  end
  if cap and gross > cap then
    -- What a cap let go stays free when a later line has a higher cap or none.
    gross = cap > gross_before and cap or gross_before
  end
  local cost = gross
  if cost < line[LINE_MINIMUM] then
    cost = line[LINE_MINIMUM]
  end
  local before = meter[METER_COST]
  if cost < before then
    cost = before
  end
  meter[METER_UNITS], meter[METER_GROSS] = total, gross
  meter[METER_COST], meter[METER_OPENED] = cost, true
  return cost - before
end

-- units_left(line, meter): units that the line can still price exactly.
local function units_left(line, meter)
  local left = line[LINE_UNITS_MAX] - meter[METER_UNITS]
  return left > 0 and left or 0
end

-- affordable_units(line, meter, money): the most further units that `money` more pays for.
local function affordable_units(line, meter, money)
  local room_left = units_left(line, meter)
  local limit = meter[METER_COST] + (money > 0 and money or 0)
  local cap, minimum = line[LINE_CAP], line[LINE_MINIMUM]
  if cap and cap <= limit then
    return room_left
  end
  if limit < minimum and meter[METER_COST] < minimum then
    return 0
  end
  local budget = limit - meter[METER_GROSS]
  if not meter[METER_OPENED] then
    budget = budget - line[LINE_CONNECTION]
  end
  if budget < 0 then
    return 0
  end
  local pulses, tiers, kept = line[LINE_PULSES], line[LINE_TIERS], meter[METER_BILLED]
  local billed = billed_units(pulses, meter[METER_UNITS])
  local position = position_of(line, meter)
  for i = 1, #tiers, 3 do
    local num, den, ends = tiers[i + 1], tiers[i + 2], tiers[i + 3]
    local room = ends and ends - position or AVAILABLE_MAX
    if room > 0 then
      local before = kept[(i + 2) / 3] or 0
      local spent = price_of(num, den, before)
      local part = units_of(num, den, spent + budget) - before
      if part > room then
        part = room
      end
      if part > AVAILABLE_MAX - billed then
        part = AVAILABLE_MAX - billed
      end
      billed, position = billed + part, position + part
      if part < room then
        break
      end
      budget = budget - price_of(num, den, before + part) + spent
    end
  end
  local units = whole_steps(pulses, billed) - meter[METER_UNITS]
  if units < 0 then
    return 0
  end
  return units < room_left and units or room_left
end

-- rest_of_step(line, meter, units): `units` more, and what is left of the step they end in: it is
-- paid with them.
local function rest_of_step(line, meter, units)
  return billed_units(line[LINE_PULSES], meter[METER_UNITS] + units) - meter[METER_UNITS]
end
