-- moved_to(account): the partition that an account has gone to, or nil for one that is here. What
-- stays behind has no buckets of its own: its state, while that is on its way, is packed apart.
local function moved_to(account)
  if account[ACCOUNT_BUCKETS] then
    return nil
  end
  return account[MOVED_TO]
end
