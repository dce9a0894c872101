// Runs in every document before its own scripts. Closes the ways to the network that the
// interception of a page's requests does not see, and counts what is still to come, so that
// `onbrand.rest()` can tell when a page has come to rest. `onbrand.read()` ends it.
(() => {
  // Stand-ins that never connect: a page whose script cannot make a socket often writes nothing.
  const standIn = () => class extends EventTarget {
    static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
    readyState = 0;
    close() {} send() {} postMessage() {} terminate() {} start() {}
    get port() { return this; }
  };
  for (const name of ["Worker", "SharedWorker", "WebSocket", "EventSource"]) window[name] = standIn();
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport", "WebSocketStream"])
    delete window[name];
  delete Navigator.prototype.serviceWorker;
  Navigator.prototype.sendBeacon = () => true;
  window.open = () => null;
  window.print = () => {};

  // Timers of more than LONGEST ms are not waited for, nor those that callbacks of callbacks keep
  // setting: beyond DEEPEST they are taken for a clock or a carousel.
  const LONGEST = 1000, DEEPEST = 5, FEW_CHARACTERS = 200;
  const { setTimeout, performance } = window;
  const pending = new Set();
  let depth = 0, ended = false;

  function count(name, cancelNames) {
    const original = window[name];
    window[name] = function (callback, delay, ...rest) {
      if (typeof callback !== "function") return original.call(window, callback, delay, ...rest);
      const repeats = name === "setInterval";
      const awaited = !repeats && depth < DEEPEST && !(name === "setTimeout" && delay > LONGEST);
      const level = depth + 1;
      const handle = original.call(window, (...given) => {
        if (!repeats) pending.delete(key);
        if (ended) return;
        const outer = depth;
        depth = level;
        try { callback.apply(window, given); } finally { depth = outer; }
      }, delay, ...rest);
      const key = name + handle;
      if (awaited) pending.add(key);
      return handle;
    };
    for (const cancelName of cancelNames) {
      const cancel = window[cancelName];
      window[cancelName] = (handle) => {
        pending.delete(name + handle);
        cancel.call(window, handle);
      };
    }
  }
  count("requestAnimationFrame", ["cancelAnimationFrame"]);
  count("requestIdleCallback", ["cancelIdleCallback"]);
  count("setTimeout", ["clearTimeout", "clearInterval"]);
  count("setInterval", []);
  for (const name of ["beforeunload", "pagehide", "unload", "visibilitychange"])
    window.addEventListener(name, (event) => {
      if (ended) event.stopImmediatePropagation();
    }, true);

  const FURNITURE = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "svg", "HEADER", "FOOTER", "NAV"]);

  function hasText() {
    if (!document.body) return false;
    const seen = { acceptNode: (node) => node.nodeType === Node.TEXT_NODE ? NodeFilter.FILTER_ACCEPT
      : FURNITURE.has(node.nodeName) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP };
    const walker = document.createTreeWalker(
      document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, seen);
    let length = 0;
    while (length < FEW_CHARACTERS && walker.nextNode())
      length += walker.currentNode.data.trim().length;
    return length >= FEW_CHARACTERS;
  }

  // Resolves with true once the document is loaded, no counted timer is pending and the document
  // has not changed for `quiet` ms; where it has hardly any text, only after `textPatience` ms.
  // Resolves with false after `patience` ms, for a page that never stops.
  function rest(quiet, textPatience, patience) {
    return new Promise((resolve) => {
      const start = performance.now();
      let changed = start;
      const observer = new MutationObserver(() => { changed = performance.now(); });
      observer.observe(document, { subtree: true, childList: true, characterData: true });
      const look = () => {
        const now = performance.now();
        const calm = document.readyState === "complete" && !pending.size && now - changed >= quiet;
        const done = calm && (now - start >= textPatience || hasText());
        if (!done && now - start < patience) return void setTimeout.call(window, look, 10);
        observer.disconnect();
        resolve(done);
      };
      setTimeout.call(window, look, quiet);
    });
  }

  // The document as it is now. Nothing of it runs afterwards, and it leaves nothing behind.
  function read(mostCharacters) {
    const type = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : "";
    const html = type + document.documentElement.outerHTML;
    ended = true;
    window.stop();
    try { localStorage.clear(); sessionStorage.clear(); } catch { /* the document may have none */ }
    return { url: location.href, html: html.length > mostCharacters ? null : html.toWellFormed() };
  }

  Object.defineProperty(window, "onbrand", { value: Object.freeze({ rest, read }) });
})();
