// Which tiles a person left open, in this browser.

const KEY = "connectors.open";

export function openTiles(storage) {
  const read = () => {
    try {
      const kept = JSON.parse(storage.getItem(KEY) ?? "[]");
      return new Set(Array.isArray(kept) ? kept.map(String) : []);
    } catch {
      return new Set();
    }
  };
  const write = (ids) => {
    try {
      storage.setItem(KEY, JSON.stringify([...ids]));
    } catch {
      // A browser that keeps nothing: tiles start collapsed.
    }
  };
  return {
    all: read,
    remember(id) {
      write(read().add(id));
    },
    forget(id) {
      const ids = read();
      ids.delete(id);
      write(ids);
    },
    keepOnly(present) {
      write([...read()].filter((id) => present.includes(id)));
    },
  };
}
