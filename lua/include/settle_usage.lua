-- Committing what was used: the reservation pays first, then what is eligible, then nobody.

-- record_impact(impacts, bucket, delta, units): adds to the event's impacts, one per bucket.
local function record_impact(impacts, bucket, delta, units)
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

-- add_steps(service, bucket_id, units): moves the running step total of a bucket with a step.
local function add_steps(service, bucket_id, units)
  local steps = service[SERVICE_STEPS]
  for i = 1, #steps, 2 do
    if steps[i] == bucket_id then
      steps[i + 1] = steps[i + 1] + units
      return
    end
  end
  steps[#steps + 1] = bucket_id
  steps[#steps + 1] = units
end

-- debit_walk(walk, service, impacts): takes what plan_walk said. The meter is the caller's to keep.
local function debit_walk(walk, service, impacts)
  for i = 1, #walk, 3 do
    local bucket, amount, units = walk[i], walk[i + 1], walk[i + 2]
    bucket[BUCKET_REMAINING] = bucket[BUCKET_REMAINING] - amount
    record_impact(impacts, bucket, -amount, units)
    if bucket[BUCKET_STEP] > 1 then
      add_steps(service, bucket[BUCKET_ID], units)
    end
  end
end

-- release_legs(account, service): gives back everything a service holds.
local function release_legs(account, service)
  local legs = service[SERVICE_LEGS]
  for i = 1, #legs, LEG_WIDTH do
    local bucket = find_bucket(account, legs[i])
    bucket[BUCKET_RESERVED] = bucket[BUCKET_RESERVED] - legs[i + 1]
  end
  service[SERVICE_LEGS] = {}
  service[SERVICE_GRANTED] = 0
end

-- take_legs(account, service, now, grace): ends a service's reservation and lets each held bucket
-- show, for the walk over them, just what was reserved there. Returns the list for that walk,
-- without those that ended and whose grant is past its validity time (their units expire), and flat
-- pairs (bucket, reserved by others) to set when the walk is done.
local function take_legs(account, service, now, grace)
  local held, others, legs = {}, {}, service[SERVICE_LEGS]
  local usable_past_end = now <= service[SERVICE_VALID_UNTIL] + grace
  for i = 1, #legs, LEG_WIDTH do
    local bucket, amount = find_bucket(account, legs[i]), legs[i + 1]
    local ends = bucket[BUCKET_END]
    others[#others + 1] = bucket
    others[#others + 1] = bucket[BUCKET_RESERVED] - amount
    bucket[BUCKET_RESERVED] = bucket[BUCKET_REMAINING] - bucket[BUCKET_FLOOR] - amount
    if ends == 0 or ends > now or usable_past_end then
      held[#held + 1] = bucket
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

-- settle_usage(account, service, ask, window, now, policy): commits ask[ASK_USED] units and ends the
-- service's reservation. What the reservation covers is priced by the line stored with it, the rest
-- by `window`, or by the stored line where one is. Returns the impacts, the money it cost, the units
-- nothing covered, and the window that priced it.
local function settle_usage(account, service, ask, window, now, policy)
  local left, impacts, cost_before = ask[ASK_USED], {}, service[SERVICE_COST]
  if service[SERVICE_LINE] then
    window = {
      0,
      0,
      service[SERVICE_CURRENCY],
      service[SERVICE_LINE],
      service[SERVICE_PERIOD],
      WINDOW_CHARGED,
      service[SERVICE_LABEL],
    }
  end
  local walk, covered, meter
  if #service[SERVICE_LEGS] > 0 then
    local list, others = take_legs(account, service, now, policy[POLICY_GRACE_MS])
    walk, covered, meter = plan_walk(list, account, service, window, left, false)
    for i = 1, #others, 2 do
      others[i][BUCKET_RESERVED] = others[i + 1]
    end
    debit_walk(walk, service, impacts)
    if meter then
      write_meter(account, service, window, meter)
    end
    left = left - covered
  end
  if left > 0 then
    local list = list_eligible(account, ask, window, now)
    walk, covered, meter = plan_walk(list, account, service, window, left, false)
    debit_walk(walk, service, impacts)
    if meter then
      write_meter(account, service, window, meter)
    end
    left = left - covered
    local payer = left > 0 and policy[POLICY_OVERUSE] == OVERUSE_DEBIT and last_money(list)
    if payer then
      meter = read_meter(account, service, window)
      debit_walk({ payer, charge_units(open_line(window), meter, left), left }, service, impacts)
      write_meter(account, service, window, meter)
      left = 0
    end
  end
  service[SERVICE_USED] = service[SERVICE_USED] + ask[ASK_USED]
  return impacts, service[SERVICE_COST] - cost_before, left, window
end
