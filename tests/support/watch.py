"""JavaScript that watches a page under test from its beginning."""

# Counts what a Provider leaves on the page: listeners on the page and its channels, and channels that are open.
WATCH = """
(() => {
  const kept = [];
  const Channel = BroadcastChannel;
  const watched = target => target === window || target === document || target instanceof Channel;
  const name = target => target.constructor.name;
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const find = (target, type, listener) =>
    kept.findIndex(one => one.target === target && one.type === type && one.listener === listener);
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const target = this ?? window;
    if (watched(target) && find(target, type, listener) < 0) kept.push({ target, type, listener });
    return addEventListener.call(target, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const target = this ?? window;
    const index = find(target, type, listener);
    if (index >= 0) kept.splice(index, 1);
    return removeEventListener.call(target, type, listener, options);
  };
  const { close } = BroadcastChannel.prototype;
  BroadcastChannel = class extends BroadcastChannel {
    constructor(channel) {
      super(channel);
      kept.push({ target: this, type: "open", listener: null });
    }
    close() {
      kept.splice(find(this, "open", null), 1);
      close.call(this);
    }
  };
  window.keptByPage = () => kept.map(({ target, type }) => `${name(target)} ${type}`).sort();
})();
"""
