-- What many requests have in common is unpacked once: terms of services and windows of rates, by their
-- digests. The tables are only read, and forgotten all at once when there are many. Of terms only those
-- that the last calls used stay unpacked, and lists with the same in them are one: Lua's collector goes
-- round all the time, and what it meets on its way drives what charges work on out of the processor's
-- caches.
local KEPT_MAX, CALLS_IN_ROUND = 5000, 1024
local opened_windows, window_count = {}, 0
local opened_terms, older_terms, calls_left = {}, {}, CALLS_IN_ROUND
local packed_terms, packed_count, nothing = {}, 0, {}

-- forget_opened(): begins a call; what it opens stays open until it ends.
local function forget_opened()
  calls_left = calls_left - 1
  if calls_left > 0 then
    return
  end
  opened_terms, older_terms, calls_left = {}, opened_terms, CALLS_IN_ROUND
  if window_count >= KEPT_MAX or packed_count >= KEPT_MAX then
    opened_windows, window_count, older_terms = {}, 0, {}
    packed_terms, packed_count = {}, 0
  end
end

-- digest_of(packed): what names packed terms or a packed window. 80 bits: among what an operator has of
-- them a chance match is out of the question.
local function digest_of(packed)
  return string.sub(redis.sha1hex(packed), 1, 20)
end

-- keep_window(packed): opens the window of these bytes.
local function keep_window(packed)
  local digest = digest_of(packed)
  local window = opened_windows[digest]
  if not window then
    window = cmsgpack.unpack(packed)
    window[WINDOW_PACKED], window[WINDOW_DIGEST] = packed, digest
    window[WINDOW_IN_ANSWER] = cmsgpack.pack(window[WINDOW_CURRENCY])
    window[WINDOW_IN_EVENT] = cmsgpack.pack(window[WINDOW_CURRENCY], window[WINDOW_LABEL])
    window[WINDOW_ALONE] = { window }
    opened_windows[digest] = window
    window_count = window_count + 1
  end
  return window
end

-- open_window(digest): the window of this digest, opened before in this call; nil for false (none).
local function open_window(digest)
  return digest and opened_windows[digest] or nil
end

-- read_windows(session_key, key, service): opens the windows that price a service's reservation.
local function read_windows(session_key, key, service)
  local window, following = service[SERVICE_WINDOW], service[SERVICE_NEXT]
  if
    (window and not opened_windows[window]) or (following and not opened_windows[following])
  then
    local packed = redis.call('HGET', session_key, 'w:' .. key)
    local first, second = cmsgpack.unpack(packed)
    if first then
      keep_window(first)
    end
    if second then
      keep_window(second)
    end
  end
end

-- pack_windows(service): field w:<service> for the windows that price a service's reservation.
local function pack_windows(service)
  local window, following = open_window(service[SERVICE_WINDOW]), open_window(service[SERVICE_NEXT])
  return cmsgpack.pack(
    window and window[WINDOW_PACKED] or false,
    following and following[WINDOW_PACKED] or false
  )
end

-- keep_list(packed): the windows of terms, opened. Lists of one window are that window's own list.
local function keep_list(packed)
  for i = 1, #packed do
    packed[i] = keep_window(packed[i])
  end
  return #packed == 0 and nothing or #packed == 1 and packed[1][WINDOW_ALONE] or packed
end

-- unpack_terms(packed): the terms of these bytes, opened.
local function unpack_terms(packed)
  local terms = cmsgpack.unpack(packed)
  terms[TERMS_WINDOWS] = keep_list(terms[TERMS_WINDOWS])
  for place = TERMS_ZONES, TERMS_BANDS do
    if #terms[place] == 0 then
      terms[place] = nothing
    end
  end
  terms[TERMS_IN_EVENT] = cmsgpack.pack(terms[TERMS_RATING_GROUP], terms[TERMS_UNIT])
  return terms
end

-- unpack_named(name): terms that no call of late has used, as open_terms gives them.
local function unpack_named(name)
  if packed_terms[name] then
    return unpack_terms(packed_terms[name])
  elseif string.byte(name) < PACKED_ARRAY then
    return nil
  end
  local digest = digest_of(name)
  if not packed_terms[digest] then
    packed_terms[digest], packed_count = name, packed_count + 1
  end
  opened_terms[digest] = opened_terms[digest] or older_terms[digest] or unpack_terms(name)
  return opened_terms[digest]
end

-- open_terms(name): the terms of these bytes, their windows opened; or those of a digest, where their
-- bytes have been here since Redis started, else nil.
local function open_terms(name)
  local terms = opened_terms[name]
  if not terms then
    terms = older_terms[name] or unpack_named(name)
    opened_terms[name] = terms
  end
  return terms
end
