-- Buckets are packed one by one inside the account, and opened where a charge meets them.

-- The opened buckets that belong to the owner of a sharing group, and where they stand in his account.
-- A member may have buckets of the same ids, so that the id alone does not say whose one is. A
-- library's locals outlive a call: each call that may share begins by forgetting the last.
local owned_by_owner, buckets_of_owner = {}, nil

-- forget_owner(): begins a call without a sharing owner.
local function forget_owner()
  if buckets_of_owner then
    owned_by_owner, buckets_of_owner = {}, nil
  end
end

-- mark_owner(account): remembers that these buckets are the owner's.
local function mark_owner(account)
  buckets_of_owner = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets_of_owner, 3 do
    if type(buckets_of_owner[i]) == 'table' then
      owned_by_owner[buckets_of_owner[i]] = true
    end
  end
end

-- open_bucket(buckets, place): the bucket at a place of ACCOUNT_BUCKETS (its third element).
local function open_bucket(buckets, place)
  local bucket = buckets[place]
  if type(bucket) == 'string' then
    bucket = cmsgpack.unpack(bucket)
    buckets[place] = bucket
    if buckets == buckets_of_owner then
      owned_by_owner[bucket] = true
    end
  end
  return bucket
end

-- find_bucket(account, id): the bucket of the account; or nil.
local function find_bucket(account, id)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 1, #buckets, 3 do
    if buckets[i] == id then
      return open_bucket(buckets, i + 2)
    end
  end
  return nil
end

-- held_name(bucket): what a session calls a bucket: its id, behind OWNER_MARK where it is the owner's.
local function held_name(bucket)
  if owned_by_owner[bucket] then
    return string.char(OWNER_MARK) .. bucket[BUCKET_ID]
  end
  return bucket[BUCKET_ID]
end

-- is_of_owner(name): whether a session's name of a bucket is one of the owner's.
local function is_of_owner(name)
  return string.byte(name) == OWNER_MARK
end

-- find_held(books, name): the bucket that a session calls so; or nil.
local function find_held(books, name)
  if not is_of_owner(name) then
    return find_bucket(books[1], name)
  end
  return books[2] and find_bucket(books[2], string.sub(name, 2))
end

-- pack_account(account): the account as it is stored; packs again the buckets that were opened.
local function pack_account(account)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 3, #buckets, 3 do
    if type(buckets[i]) == 'table' then
      buckets[i] = cmsgpack.pack(buckets[i])
    end
  end
  return cmsgpack.pack(account)
end
