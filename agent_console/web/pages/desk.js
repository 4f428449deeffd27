// Gives the terminal the key of its desk, and brings it back to the same desk after a lost connection.
"use strict";
(() => {
  const KEY = "huying-desk";
  const RETRY_MS = 1000;

  function fresh() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(KEY, key);
    return key;
  }

  const key = sessionStorage.getItem(KEY) ?? fresh();
  const terminal = document.getElementById("terminal");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  terminal.dataset.sessionWebsocketUrl = `${scheme}://${location.host}/ws/${key}`;
  const size = new URLSearchParams(location.search).get("fontsize");
  if (size !== null && Number(size) >= 8 && Number(size) <= 48) terminal.dataset.fontSize = size;

  const over = document.getElementById("over");
  const said = document.getElementById("said");
  const again = document.getElementById("again");
  let words = {};
  fetch("/words").then((reply) => reply.json()).then((known) => { words = known; });

  again.addEventListener("click", () => { fresh(); location.reload(); });

  async function cameApart() {
    over.hidden = false;
    said.textContent = words["web.lost"] ?? "";
    try {
      const { alive } = await (await fetch(`/desk/${key}`)).json();
      if (alive) { location.reload(); return; }
      said.textContent = words["web.ended"] ?? "";
      again.textContent = words["web.again"] ?? "";
      again.hidden = false;
      again.focus();
    } catch {
      setTimeout(cameApart, RETRY_MS);
    }
  }

  new MutationObserver(() => {
    if (document.body.classList.contains("-closed") && over.hidden) cameApart();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
})();
