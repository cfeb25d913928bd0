-- open_partition(control_key): the epoch of an open partition, as text, or nil while recovery
-- holds it ("fenced:…") or when the key is gone: an emptied Redis must not look like empty accounts.
local function open_partition(control_key)
  local control = redis.call('GET', control_key)
  if not control or string.byte(control) == 102 then
    return nil
  end
  return control
end
