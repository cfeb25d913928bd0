-- What many requests have in common comes packed and is unpacked once: terms of services, windows of
-- rates. The tables are only read, and forgotten all at once when there are many.
local OPENED_MAX = 2000
local opened_windows, window_count = {}, 0
local opened_terms, terms_count = {}, 0

-- open_window(packed): the window of these bytes, or nil for false (no window).
local function open_window(packed)
  if not packed then
    return nil
  end
  local window = opened_windows[packed]
  if not window then
    window = cmsgpack.unpack(packed)
    window[WINDOW_PACKED] = packed
    if window_count >= OPENED_MAX then
      opened_windows, window_count = {}, 0
    end
    opened_windows[packed] = window
    window_count = window_count + 1
  end
  return window
end

-- open_terms(packed): the terms of these bytes, their windows opened.
local function open_terms(packed)
  local terms = opened_terms[packed]
  if not terms then
    terms = cmsgpack.unpack(packed)
    local windows = terms[TERMS_WINDOWS]
    for i = 1, #windows do
      windows[i] = open_window(windows[i])
    end
    if terms_count >= OPENED_MAX then
      opened_terms, terms_count = {}, 0
    end
    opened_terms[packed] = terms
    terms_count = terms_count + 1
  end
  return terms
end
