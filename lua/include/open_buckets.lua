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

-- find_bucket(account, id): the bucket, or nil.
local function find_bucket(account, id)
  local buckets = account[ACCOUNT_BUCKETS]
  for i = 1, #buckets, 3 do
    if buckets[i] == id then
      return open_bucket(buckets, i + 2)
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
