-- Buckets are packed one by one inside the account, and opened where a charge meets them.

-- open_bucket(buckets, place): the bucket at a place of ACCOUNT_BUCKETS (its third element).
local function open_bucket(buckets, place)
  local bucket = buckets[place]
  if type(bucket) == 'string' then
    bucket = cmsgpack.unpack(bucket)
    buckets[place] = bucket
  end
  return bucket
end

-- Ids of the buckets that belong to the owner of a sharing group; empty for a call without one.
-- A library's locals outlive a call, so each call that may share begins by forgetting the last.
local owned_by_owner = {}

-- forget_owner(): begins a call without a sharing owner.
local function forget_owner()
  if next(owned_by_owner) then
    owned_by_owner = {}
  end
end

-- mark_owner(account): remembers that these buckets are the owner's.
local function mark_owner(account)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 1, #buckets, 3 do
    owned_by_owner[buckets[i]] = true
  end
end

-- find_bucket(books, id): the bucket in the account, or in its sharing owner's; or nil.
local function find_bucket(books, id)
  for b = 1, #books do
    local buckets = books[b][ACCOUNT_BUCKETS]
    for i = 1, #buckets, 3 do
      if buckets[i] == id then
        return open_bucket(buckets, i + 2)
      end
    end
  end
  return nil
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
