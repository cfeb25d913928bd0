#!lua
--- @include "admit_plainly"
-- admit_unfailed: admits whoever has not failed to prove who it is: what admit decides, and whether that was
-- worth asking, in one call. Nothing is decided for whoever has failed lately, though few have so often that
-- they are turned away: who calls looks at that, and calls admit.
--
-- KEYS account, session, control, outbox, timers, access, answer, the sharing owner's account where there is
--      one, of each name that is tried its failures - all of one server: there is no cluster
-- ARGV those of admit; how many names are tried, one digit
-- Reply as admit, or { REPLY_FAILED_BEFORE }
-- Events those of admit
local keys, args = KEYS, ARGV
local first = #keys - (string.byte(args[#args]) - 48) + 1
-- Of nearly all logins nothing is there yet: no failure, no session and no answer.
if redis.call('EXISTS', keys[2], unpack(keys, 7)) == 0 then
  expect_new()
elseif redis.call('EXISTS', unpack(keys, first)) > 0 then
  return { REPLY_FAILED_BEFORE }
end
for at = #keys, first, -1 do
  keys[at] = nil
end
args[#args] = nil
return scripts.admit(keys, args)
