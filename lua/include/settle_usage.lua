-- Committing what was used: the reservation pays first, then what is eligible, then nobody.

-- record_impact(effects, bucket, delta, units): adds to the impacts of an event, one per bucket.
-- effects is { the account's own impacts, those on its sharing owner's buckets }.
local function record_impact(effects, bucket, delta, units)
  local impacts = owned_by_owner[bucket] and effects[2] or effects[1]
  for i = 1, #impacts do
    local impact = impacts[i]
    if impact[1] == bucket[BUCKET_ID] then
      impact[3], impact[4] = impact[3] + delta, bucket[BUCKET_REMAINING]
      impact[5] = impact[5] + units
      return
    end
  end
  impacts[#impacts + 1] =
    { bucket[BUCKET_ID], bucket[BUCKET_RESOURCE], delta, bucket[BUCKET_REMAINING], units }
end

-- add_steps(service, name, units): moves the running step total of a bucket with a step.
local function add_steps(service, name, units)
  local steps = service[SERVICE_STEPS]
  for i = 1, #steps, 2 do
    if steps[i] == name then
      steps[i + 1] = steps[i + 1] + units
      return
    end
  end
  steps[#steps + 1] = name
  steps[#steps + 1] = units
end

-- debit_walk(walk, service, effects): takes what plan_walk said. The meter is the caller's to keep.
local function debit_walk(walk, service, effects)
  for i = 1, #walk, 3 do
    local bucket, amount, units = walk[i], walk[i + 1], walk[i + 2]
    bucket[BUCKET_REMAINING] = bucket[BUCKET_REMAINING] - amount
    record_impact(effects, bucket, -amount, units)
    if bucket[BUCKET_STEP] > 1 then
      add_steps(service, held_name(bucket), units)
    end
  end
end

-- release_legs(books, service): gives back everything a service holds. A leg that reserved nothing
-- (units at no cost) does not keep its bucket: it may be gone.
local function release_legs(books, service)
  local legs = service[SERVICE_LEGS]
  for i = 1, #legs, LEG_WIDTH do
    local bucket = find_held(books, legs[i])
    if bucket then
      bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] - legs[i + 1]
    end
  end
  service[SERVICE_LEGS] = {}
  service[SERVICE_GRANTED] = 0
end

-- take_legs(books, service, now): ends a service's reservation and lets each held bucket
-- show, for the walk over them, just what was reserved there. Returns the list for that walk,
-- without those that ended and whose grant is past its validity time (their units expire), and flat
-- pairs (bucket, reserved by others) to set when the walk is done.
local function take_legs(books, service, now)
  local held, others, legs = {}, {}, service[SERVICE_LEGS]
  -- The validity time has the grace in it.
  local usable_past_end = now <= service[SERVICE_VALID_UNTIL]
  for i = 1, #legs, LEG_WIDTH do
    local bucket, amount = find_held(books, legs[i]), legs[i + 1]
    if bucket then
      local ends = bucket[BUCKET_END]
      others[#others + 1] = bucket
      others[#others + 1] = bucket[BUCKET_RESERVED] - amount
      -- Staff may have taken some of what was held: no charge goes below the floor for it.
      local left = bucket[BUCKET_REMAINING] - bucket[BUCKET_FLOOR]
      bucket[BUCKET_RESERVED] = left > amount and left - amount or 0
      if ends == 0 or ends > now or usable_past_end then
        held[#held + 1] = bucket
      end
    end
  end
  service[SERVICE_LEGS], service[SERVICE_GRANTED] = {}, 0
  return list_of(held), others
end

-- last_money(list): the last money bucket of a list, or nil.
local function last_money(list)
  local n, found = 1, nil
  local bucket = nth_eligible(list, n)
  while bucket do
    if bucket[BUCKET_KIND] == KIND_MONEY then
      found = bucket
    end
    n = n + 1
    bucket = nth_eligible(list, n)
  end
  return found
end

-- pay_part(books, service, ask, part, list, effects): takes what a list covers of a part of a report
-- and keeps the meter. A part is { units left, window that prices it }.
local function pay_part(books, service, part, list, effects)
  local walk, covered, meter = plan_walk(list, books[1], service, part[2], part[1], false)
  debit_walk(walk, service, effects)
  if meter then
    effects[3] = write_meter(books[1], service, part[2], meter)
  end
  part[1] = part[1] - covered
  return walk
end

-- overdraw(books, service, part, list, effects): the `debit` overuse policy: what nothing covers
-- drives the last money bucket below its floor, as far as numbers are exact. Returns what it took.
local function overdraw(books, service, part, list, effects)
  local payer = last_money(list)
  if not payer then
    return {}
  end
  local line, meter = part[2][WINDOW_LINE], read_meter(books[1], service, part[2])
  local units = math.min(part[1], units_left(line, meter))
  local cost = charge_units(line, meter, units)
  if units == 0 or payer[BUCKET_REMAINING] - cost <= -AMOUNT_LIMIT then
    return {}
  end
  local walk = { payer, cost, units }
  debit_walk(walk, service, effects)
  effects[3] = write_meter(books[1], service, part[2], meter)
  part[1] = part[1] - units
  return walk
end

-- order_impacts(books, results): the parts of a report are paid in turns, all of them first from what
-- is held; but their events stand one behind the other, and each says what a bucket held after it.
local function order_impacts(books, results)
  for kind = 1, 2 do
    local first, second = results[1][kind], results[2][kind]
    for i = 1, #first do
      for k = 1, #second do
        if first[i][1] == second[k][1] then
          second[k][4] = find_bucket(books[kind], second[k][1])[BUCKET_REMAINING]
          first[i][4] = second[k][4] - second[k][3]
        end
      end
    end
  end
end

-- settle_usage(books, events, service, ask, parts, now, request): commits what a report says and ends
-- the service's reservation. parts: { units, window } before and after a tariff change; what is
-- left of a part's units afterwards was not collected. Returns per part { own impacts, shared
-- impacts, money it cost }.
local function settle_usage(books, events, service, ask, parts, now, request)
  local policy, results = request[REQUEST_POLICY], {}
  -- What a one-time event takes was not used yet: it is refused instead.
  local overdraws = policy[POLICY_OVERUSE] == OVERUSE_DEBIT
    and request[REQUEST_PHASE] ~= PHASE_EVENT
  local held, others
  if #service[SERVICE_LEGS] > 0 then
    held, others = take_legs(books, service, now)
  end
  local walks = {}
  for p = 1, #parts do
    local effects, cost_before = { {}, {} }, service[SERVICE_COST]
    if held then
      walks[#walks + 1] = pay_part(books, service, parts[p], held, effects)
    end
    results[p] = { effects[1], effects[2], service[SERVICE_COST] - cost_before, effects[3] }
  end
  if held then
    for i = 1, #others, 2 do
      others[i][BUCKET_RESERVED] = others[i + 1]
    end
  end
  for p = 1, #parts do
    local part, result = parts[p], results[p]
    local units, cost_before = part[1], service[SERVICE_COST]
    if units > 0 then
      local effects = { result[1], result[2], result[4] }
      repeat
        local list = list_eligible(books, ask[ASK_TERMS], part[2], now, request[REQUEST_SHARING])
        local walk = pay_part(books, service, part, list, effects)
        walks[#walks + 1] = walk
        local again = false
        for b = 1, part[1] > 0 and #books or 0 do
          again = start_pending(books[b], events[b], now, {}) or again
        end
        if part[1] > 0 and not again and overdraws then
          walks[#walks + 1] = overdraw(books, service, part, list, effects)
        end
      until not again
      result[3], result[4] = result[3] + service[SERVICE_COST] - cost_before, effects[3]
    end
  end
  if results[2] then
    order_impacts(books, results)
  end
  for w = 1, #walks do
    for b = 1, #books do
      start_armed(books[b], events[b], walks[w], now)
    end
  end
  service[SERVICE_USED] = service[SERVICE_USED] + ask[ASK_USED] + ask[ASK_USED_AFTER]
  return results, walks
end
