#!lua
-- A: the session is one packed string: header, services, answers.
-- KEYS[1] session key
-- ARGV: 1 now, 2 used, then the keys of the services that the request touches
local key, now, used = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])

local session = cmsgpack.unpack(redis.call('GET', key))
local header, services, answers = session[1], session[2], session[3]
local number = header[5] + 1
header[5] = number
header[6] = now
local reply = { number, now }
for i = 3, #ARGV do
  local at = 1
  while services[at] ~= ARGV[i] do at = at + 2 end
  local service = services[at + 1]
  service[2] = number
  service[3] = service[3] + used
  reply[#reply + 1] = { ARGV[i], 2, service[6], 3600, false, service[4], 'EUR' }
end
answers[number % 8 + 1] = reply
redis.call('SET', key, cmsgpack.pack(session))
return number
