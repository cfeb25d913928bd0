-- remember(list, name, wanted): puts a name on a list, or takes it off.
local function remember(list, name, wanted)
  for i = 1, #list do
    if list[i] == name then
      if not wanted then
        table.remove(list, i)
      end
      return
    end
  end
  if wanted then
    list[#list + 1] = name
  end
end
