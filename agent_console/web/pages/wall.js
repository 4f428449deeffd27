// The wallboard: shows what the stream says, counts clocks in between, and asks for a sign-in when there is none.
"use strict";
(() => {
  const LATE_S = 15; // the standard's 15 seconds
  const STATES = ["available", "reserved", "on_call", "wrap_up", "paused"];
  const byId = (id) => document.getElementById(id);
  let words = {};
  let shown = null;

  const say = (code, params = {}) =>
    (words[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
  const span = (since) => {
    const s = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
    const two = (n) => String(n).padStart(2, "0");
    return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  };
  const percent = ({ part, of }) => (of === 0 ? "—" : `${((100 * part) / of).toFixed(1)}%`);

  function element(name, className, ...inside) {
    const made = document.createElement(name);
    made.className = className;
    made.append(...inside);
    return made;
  }

  function show() {
    if (shown === null) return;
    byId("clock").textContent = new Intl.DateTimeFormat("zh-CN", {
      timeZone: shown.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    }).format(new Date());
    byId("site").textContent = shown.site;
    byId("away").hidden = shown.connected;
    byId("away").textContent = say("wall.away");
    const faults = shown.news.FaultsNews?.faults ?? [];
    byId("faults").replaceChildren(
      ...faults.map((fault) => element("li", "", `${say(fault.code, fault.params)} · ${span(fault.since)}`)),
    );
    const floor = shown.news.FloorNews;
    if (floor === undefined) return;
    const { queue, seats } = floor;
    byId("waiting").textContent = queue.waiting;
    byId("longest").textContent = queue.oldest_since === null ? "—" : span(queue.oldest_since);
    const late = queue.oldest_since !== null && Date.now() - Date.parse(queue.oldest_since) > LATE_S * 1000;
    byId("longest").classList.toggle("late", late);
    for (const [id, rate] of [["answered", queue.answered], ["fast", queue.answered_in_15s]]) {
      byId(id).textContent = percent(rate);
      byId(`${id}-of`).textContent = `${rate.part} / ${rate.of}`;
    }
    const here = seats.filter((seat) => STATES.includes(seat.state));
    byId("states").replaceChildren(
      ...STATES.map((state) =>
        element("span", "", `${say(`agent_state.${state}`)} ${here.filter((seat) => seat.state === state).length}`)),
    );
    byId("seats").replaceChildren(
      ...here.map((seat) =>
        element("div", `seat ${seat.state}`, `${seat.id} ${seat.name}`,
          element("span", "", `${say(`agent_state.${seat.state}`)} `, element("time", "", span(seat.since))))),
    );
  }

  function label() {
    for (const [id, code] of Object.entries({
      "form-title": "wall.title", "person-label": "wall.person", "password-label": "wall.password", enter: "wall.enter",
      "waiting-label": "wall.waiting", "longest-label": "wall.longest", "answered-label": "wall.answered",
      "fast-label": "wall.fast",
    })) byId(id).textContent = say(code);
  }

  function ask() {
    byId("wall").hidden = true;
    byId("sign-in").hidden = false;
    byId("sign-in").elements.person.focus();
  }

  function listen() {
    const stream = new EventSource("/wall/stream");
    stream.addEventListener("message", (event) => {
      shown = JSON.parse(event.data);
      byId("sign-in").hidden = true;
      byId("wall").hidden = false;
      show();
    });
    stream.addEventListener("over", () => { stream.close(); ask(); });
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
      if (shown === null) { ask(); return; }
      setTimeout(listen, 2000);
    });
  }

  byId("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const reply = await fetch("/wall/sign-in", { method: "POST", body: new FormData(event.target) });
    byId("refused").textContent = reply.ok ? "" : (await reply.json()).said;
    event.target.elements.password.value = "";
    if (reply.ok) listen();
  });

  setInterval(show, 1000);
  fetch("/words").then((reply) => reply.json()).then((known) => { words = known; label(); listen(); });
})();
