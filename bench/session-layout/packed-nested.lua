#!lua
-- B: as A, each service and each answer packed into a string of its own.
-- KEYS[1] session key
-- ARGV: 1 now, 2 used, then the keys of the services that the request touches
local key, now, used = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local pack, unpack_value = cmsgpack.pack, cmsgpack.unpack

local session = unpack_value(redis.call('GET', key))
local header, services, answers = session[1], session[2], session[3]
local number = header[5] + 1
header[5] = number
header[6] = now
local reply = { number, now }
for i = 3, #ARGV do
  local at = 1
  while services[at] ~= ARGV[i] do at = at + 2 end
  local service = unpack_value(services[at + 1])
  service[2] = number
  service[3] = service[3] + used
  services[at + 1] = pack(service)
  reply[#reply + 1] = { ARGV[i], 2, service[6], 3600, false, service[4], 'EUR' }
end
answers[number % 8 + 1] = pack(reply)
redis.call('SET', key, pack(session))
return number
