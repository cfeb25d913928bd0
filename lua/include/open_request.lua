-- id_in(key, control_key): the id that ends a key of an account or a session of the partition of a control
-- key: both stand behind the same, and a word of as many octets as "control" and a colon.
local function id_in(key, control_key)
  return string.sub(key, #control_key + 2)
end

-- open_request(args, keys): the request of a charging session: packed, its stamp, and the terms of each
-- service where they are not only named in it; of the session and the account that the keys name where
-- it does not say so itself.
local function open_request(args, keys)
  local request = cmsgpack.unpack(args[1])
  local asks = request[REQUEST_SERVICES]
  request[REQUEST_STAMP] = args[2]
  request[REQUEST_SESSION] = request[REQUEST_SESSION] or id_in(keys[2], keys[3])
  request[REQUEST_ACCOUNT] = request[REQUEST_ACCOUNT] or id_in(keys[1], keys[3])
  for i = 1, #asks do
    asks[i][ASK_TERMS] = asks[i][ASK_TERMS] or args[i + 2]
  end
  return request
end
