-- new_account(id): an account without buckets.
local function new_account(id)
  local account = {}
  account[ACCOUNT_VERSION] = SCHEMA_VERSION
  account[ACCOUNT_ID] = id
  account[ACCOUNT_SEQUENCE] = 0
  account[ACCOUNT_LAST_SEEN] = 0
  account[ACCOUNT_SLACK] = false
  account[ACCOUNT_STANDING] = STANDING_ACTIVE
  account[ACCOUNT_PROFILE] = 0
  account[ACCOUNT_INTENT] = 0
  account[ACCOUNT_NEXT_CHANGE] = 0
  account[ACCOUNT_BUCKETS] = {}
  account[ACCOUNT_STARVED] = {}
  account[ACCOUNT_COUNTERS] = {}
  account[ACCOUNT_THRESHOLDS] = {}
  account[ACCOUNT_PENDING] = 0
  return account
end
