--- @include "open_buckets"
--- @include "plan_walk"
--- @include "remember"
--- @include "raise_steering"
-- Who was given the last units is told to ask again when units become free.

-- note_free(books, id): for each account in which sessions but this one wait for units, what is free
-- in its buckets, by their ids; false for an account in which none does.
local function note_free(books, id)
  local noted, any = {}, false
  for b = 1, #books do
    local starved, buckets = books[b][ACCOUNT_STARVED], books[b][ACCOUNT_BUCKETS]
    noted[b] = false
    if #starved > 1 or (starved[1] and starved[1] ~= id) then
      noted[b], any = {}, true
      for i = 3, #buckets, 3 do
        noted[b][buckets[i - 2]] = available_in(open_bucket(buckets, i))
      end
    end
  end
  return any and noted or nil
end

-- has_more_free(account, free, now): whether a bucket in use has more free than was noted.
local function has_more_free(account, free, now)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    local bucket = open_bucket(buckets, i)
    local state, ends = bucket[BUCKET_STATE], bucket[BUCKET_END]
    if
      (state == STATE_ACTIVE or state == STATE_ARMED)
      and (ends == 0 or ends > now)
      and available_in(bucket) > free[bucket[BUCKET_ID]]
    then
      return true
    end
  end
  return false
end

-- take_starved(books, noted, id, now): the sessions but this one that wait where units became free
-- since that was noted; their accounts forget them, until they get last units again.
local function take_starved(books, noted, id, now)
  local named = {}
  for b = 1, #books do
    if noted[b] and has_more_free(books[b], noted[b], now) then
      local starved, kept = books[b][ACCOUNT_STARVED], {}
      for i = 1, #starved do
        if starved[i] == id then
          kept[1] = id
        else
          remember(named, starved[i], true)
        end
      end
      books[b][ACCOUNT_STARVED] = kept
    end
  end
  return named
end

-- raise_starved(steer_key, tasks_key, named, reason, now): a task of steering for each of the sessions.
local function raise_starved(steer_key, tasks_key, named, reason, now)
  for i = 1, #named do
    raise_steering(steer_key, tasks_key, 's:' .. named[i], STEER_REAUTHORISE, reason, now, -1)
  end
end
