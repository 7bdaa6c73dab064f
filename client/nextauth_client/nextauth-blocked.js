// docs/pages.md. PyScript itself ends where a browser blocks cookies, and with them storage; what stands in here keeps nothing.
(() => {
  try {
    new BroadcastChannel("nextauth-client").close();
  } catch {
    self.BroadcastChannel = class extends EventTarget {
      postMessage() {}
      close() {}
    };
  }
  try {
    localStorage;
  } catch {
    const succeed = result => {
      const request = {};
      queueMicrotask(() => request.onsuccess({ target: { result } }));
      return request;
    };
    const table = new Proxy({}, { get: () => () => succeed([]) });
    const database = { close() {}, transaction: () => ({ objectStore: () => table }) };
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (name, ...more) {
      return String(name).startsWith("IDBMap/") ? succeed(database) : open.call(this, name, ...more);
    };
  }
})();
