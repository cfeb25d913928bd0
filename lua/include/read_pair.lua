--- @include "charge_plainly"
-- read_pair(packed, at, row): reads an array of one value or two into a row. Returns how many they are
-- and where they end; nil for another.
local function read_pair(packed, at, row)
  local count, first = array_size(packed, at)
  row[2] = nil
  if count == 1 then
    at, row[1] = unpack_some(packed, 1, first)
  elseif count == 2 then
    at, row[1], row[2] = unpack_some(packed, 2, first)
  elseif count == 0 then
    at, row[1] = first, nil
  else
    return nil
  end
  return count, at
end
