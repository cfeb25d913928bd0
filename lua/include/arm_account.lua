-- arm_account(timers_key, account, before): moves the account's timer to its next change when that
-- is no longer `before`.
local function arm_account(timers_key, account, before)
  local at = account[ACCOUNT_NEXT_CHANGE]
  if at ~= before and at > 0 then
    redis.call('ZADD', timers_key, at, 'a:' .. account[ACCOUNT_ID])
  end
end
