-- The walk over eligible buckets in consumption order, shared by granting, overuse and one-time
-- debits. It changes nothing: it says which bucket would give what.

-- steps_of(service, name): units this session and service took from a bucket that has a step.
local function steps_of(service, name)
  local steps = service[SERVICE_STEPS]
  for i = 1, #steps, 2 do
    if steps[i] == name then
      return steps[i + 1]
    end
  end
  return 0
end

-- available_in(bucket): what charging may still take from a bucket.
local function available_in(bucket)
  local available = bucket[BUCKET_REMAINING] - bucket[BUCKET_RESERVED] - bucket[BUCKET_FLOOR]
  return available > 0 and available or 0
end

-- units_in(bucket, service, want): how many of `want` units a unit bucket covers, and what it gives
-- for them: whole steps where it has a step of its own, counted over the session and service.
local function units_in(bucket, service, want)
  local available, step = available_in(bucket), bucket[BUCKET_STEP]
  if step <= 1 then
    local units = want < available and want or available
    return units, units
  end
  local before = steps_of(service, held_name(bucket))
  local paid = math.ceil(before / step) * step
  local within = paid - before + available - available % step
  local units = want < within and want or within
  return units, math.ceil((before + units) / step) * step - paid
end

-- spread_cost(walk, run, cost, units): legs of one money run, filled in order; the first carries
-- the units of the run.
local function spread_cost(walk, run, cost, units)
  local left, run_units = cost, units
  for i = 1, #run do
    local available = available_in(run[i])
    local amount = left < available and left or available
    -- A run that costs nothing (the rest of a paid step, a cap reached) still covers its units.
    if amount > 0 or cost == 0 then
      local n = #walk
      walk[n + 1], walk[n + 2], walk[n + 3] = run[i], amount, run_units
      left, run_units = left - amount, 0
    end
    if left <= 0 then
      return
    end
  end
end

-- money_run(list, n): the neighbouring money buckets from place n on, and what they hold together:
-- they pay as one, so that a step may be split between two pots. A blocker ends the run.
local function money_run(list, n)
  local run, money = {}, 0
  local bucket = nth_eligible(list, n)
  while bucket and bucket[BUCKET_KIND] == KIND_MONEY do
    run[#run + 1] = bucket
    money = money + available_in(bucket)
    if bucket[BUCKET_BLOCKER] then
      break
    end
    bucket = nth_eligible(list, n + #run)
  end
  if money > AVAILABLE_MAX then
    money = AVAILABLE_MAX
  end
  return run, money
end

-- plan_walk(list, account, service, window, want, most): walks until `want` units are covered; with
-- `most`, a money run also covers the rest of the step that it pays for, up to that many in all.
-- Reply: the walk as flat triples (bucket, amount, units), the units covered, and the meter as it
-- stands afterwards (nil where no money moved).
local function plan_walk(list, account, service, window, want, most)
  local walk, covered, place, meter = {}, 0, 1, nil
  if window and window[WINDOW_KIND] ~= WINDOW_CHARGED then
    return walk, want, nil
  end
  local bucket = nth_eligible(list, 1)
  while bucket and covered < want do
    local last = bucket
    if bucket[BUCKET_KIND] == KIND_UNITS then
      local units, amount = units_in(bucket, service, want - covered)
      if units > 0 then
        local n = #walk
        walk[n + 1], walk[n + 2], walk[n + 3] = bucket, amount, units
        covered = covered + units
      end
      place = place + 1
    else
      local run, money = money_run(list, place)
      local line = window[WINDOW_LINE]
      meter = meter or read_meter(account, service, window)
      local within = affordable_units(line, meter, money)
      local units = want - covered
      if most then
        units = math.min(rest_of_step(line, meter, units), most - covered)
      end
      if units > within then
        units = within
      end
      if units > 0 then
        spread_cost(walk, run, charge_units(line, meter, units), units)
        covered = covered + units
      end
      last = run[#run]
      place = place + #run
    end
    if last[BUCKET_BLOCKER] then
      break
    end
    bucket = nth_eligible(list, place)
  end
  return walk, covered, meter
end

-- capacity_of(list, account, service, window, most): units the buckets could cover, counted to `most`.
local function capacity_of(list, account, service, window, most)
  local _, covered = plan_walk(list, account, service, window, most, false)
  return covered
end
