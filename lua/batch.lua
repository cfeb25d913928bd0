#!lua
--- @include "open_partition"
--- @include "read_time"
-- batch: calls of other scripts that came at the same time, made one after the other in their order, each
-- as if it had come alone: an error of one is its own. For all of them it is the same time. Redis refuses
-- the whole batch when memory is out, as it would refuse each.
--
-- KEYS those of each call in turn - all of one partition where Redis is a cluster
-- ARGV what the calls are, three octets each: the script (BATCHED_ in layout.lua, and BATCHED_TELLING more
--      for a reply behind the lineage of the server), how many keys it has, how many arguments; then the
--      arguments of each call in turn
-- Reply what each call replies; in the place of one that failed, its error
-- Events those of the calls
local keys, args = KEYS, ARGV
local calls, replies = args[1], {}
local keys_until, args_until = 0, 1
local names = {
  [BATCHED_CHARGE] = 'charge',
  [BATCHED_ADMIT] = 'admit',
  [BATCHED_REPORT] = 'report',
  [BATCHED_ADMIT_UNFAILED] = 'admit_unfailed',
}

-- error_of(name, failure): the error of a call: by its code, or a fault of the script, as Redis says it of
-- a call that came alone, but without the line of the former.
local function error_of(name, failure)
  local code = string.find(failure, '^%u+ ') and '' or 'ERR '
  return { err = code .. failure .. ' script: ' .. name }
end

stop_clock()
for at = 1, #calls, 3 do
  local script, key_count, arg_count = string.byte(calls, at, at + 2)
  local name = names[script % BATCHED_TELLING]
  local is_done, reply = pcall(
    scripts[name],
    { unpack(keys, keys_until + 1, keys_until + key_count) },
    { unpack(args, args_until + 1, args_until + arg_count) }
  )
  if not is_done then
    reply = error_of(name, reply)
  elseif script > BATCHED_TELLING then
    reply = { fence.lineage(), reply }
  end
  replies[(at + 2) / 3] = reply
  keys_until, args_until = keys_until + key_count, args_until + arg_count
end
return replies
