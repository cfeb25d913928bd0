/**
 * The entries used last, up to a number of them. What it holds is a hint that may be stale: the
 * scripts check what they are given.
 */
export interface Recent<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
}

export function createRecent<Key, Value>(options: {
  readonly entriesMax: number;
}): Recent<Key, Value> {
  // Two generations instead of a list to reorder: what is read moves to the young one, and when
  // that is full the old one is dropped. Between half and all of `entriesMax` is kept.
  const youngMax = Math.ceil(options.entriesMax / 2);
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();

  function set(key: Key, value: Value): void {
    young.set(key, value);
    if (young.size >= youngMax) {
      old = young;
      young = new Map();
    }
  }

  return {
    get: (key) => {
      const value = young.get(key);
      if (value !== undefined) return value;
      const aged = old.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
    set,
    delete: (key) => {
      young.delete(key);
      old.delete(key);
    },
  };
}
