-- What many requests have in common is unpacked once: terms of services by their bytes, windows of rates
-- by their digests. The tables are only read, and forgotten all at once when there are many.
local OPENED_MAX = 5000
local opened_windows, window_count = {}, 0
local opened_terms, terms_count = {}, 0

-- forget_opened(): begins a call; what it opens stays open until it ends.
local function forget_opened()
  if window_count >= OPENED_MAX or terms_count >= OPENED_MAX then
    opened_windows, window_count = {}, 0
    opened_terms, terms_count = {}, 0
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

-- open_terms(packed): the terms of these bytes, their windows opened; or those of a digest, where they
-- have been opened since Redis started, else nil.
local function open_terms(packed)
  local terms = opened_terms[packed]
  if not terms then
    if string.byte(packed) < PACKED_ARRAY then
      return nil
    end
    terms = cmsgpack.unpack(packed)
    local windows = terms[TERMS_WINDOWS]
    for i = 1, #windows do
      windows[i] = keep_window(windows[i])
    end
    terms[TERMS_IN_EVENT] = cmsgpack.pack(terms[TERMS_RATING_GROUP], terms[TERMS_UNIT])
    opened_terms[packed], opened_terms[digest_of(packed)] = terms, terms
    terms_count = terms_count + 1
  end
  return terms
end
