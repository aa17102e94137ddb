// app.js - hears control, keeps the last minutes, shows them; asks nothing of the network but to look
import { chart } from "./draw.js";
import { showIncidents, showEvents, showWhy } from "./past.js";
import { showPaths, showUplinks, showSummary, showFresh } from "./present.js";
import { letterOf, lossPpm, percent, ms, STATES } from "./words.js";

const SPARK_S = 120, HISTORY_S = 900;
const view = {
  state: null, // the last `state` message
  heardMs: 0, // when it came, by this browser's clock
  lostMs: performance.now(), // since when there is no connection; 0 = there is one
  sparks: new Map(), // "service/uplink": {p95: [...], states: "..."}
  second: 0, // of the newest point
  chosen: null, // {service, uplink}
  series: null, // the chosen path: {x, p50_wan, ..., states}
  incidents: [], events: [],
};
const el = (id) => document.getElementById(id);
const key = (service, uplink) => `${service}/${uplink}`;

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  return answer.ok ? answer.json() : null;
}

// ---- the last minutes ----

async function loadSparks() {
  const all = await get("/api/history");
  for (const path of all?.paths ?? [])
    view.sparks.set(key(path.service, path.uplink), { p95: path.p95_wan_us, states: path.states });
  view.second = all ? all.from_unix_s + (all.paths[0]?.states.length ?? 0) - 1 : 0;
}

const quantiles = (path, leg) => path["rtt_" + leg].samples ? path["rtt_" + leg] : { p50_us: null, p95_us: null };

function push(list, value, most) {
  list.push(value);
  if (list.length > most)
    list.splice(0, list.length - most);
}

/** One more second; what was missed between is a hole. */
function addSecond(state) {
  const second = Math.floor(state.picture.at_unix_ns / 1e9);
  const missed = Math.min(SPARK_S, view.second ? second - view.second : 1);
  if (missed < 1 || state.picture_ms > 1500)
    return;
  view.second = second;
  for (const path of state.picture.paths) {
    const name = key(path.service, path.uplink);
    const spark = view.sparks.get(name) ?? { p95: [], states: "" };
    for (let i = 1; i < missed; i++)
      push(spark.p95, null, SPARK_S);
    push(spark.p95, quantiles(path, "wan").p95_us, SPARK_S);
    spark.states = (spark.states + ".".repeat(missed - 1) + letterOf(path.state)).slice(-SPARK_S);
    view.sparks.set(name, spark);
    if (view.series && view.chosen && name === key(view.chosen.service, view.chosen.uplink))
      addPoint(view.series, path, second);
  }
}

// ---- the chosen path ----

const LINES = {
  wan: [{ label: "p50", colour: "--p50" }, { label: "p95", colour: "--p95" }, { label: "SLO", colour: "--slo", dash: [4, 4] }],
  lan: [{ label: "p50", colour: "--p50" }, { label: "p95", colour: "--p95" }],
  loss: [{ label: "WAN side", colour: "--p95" }, { label: "LAN side", colour: "--lan" }, { label: "SLO", colour: "--slo", dash: [4, 4] }],
};
let charts = null;

const scaled = (list, by) => list.map((v) => v === null ? null : v / by);
const inMs = (us) => us === null ? null : us / 1000;

function seriesOf(history) {
  const x = history.states.split("").map((_, i) => history.from_unix_s + i);
  const series = {
    x, states: history.states.split(""),
    p50_wan: scaled(history.p50_wan_us, 1000), p95_wan: scaled(history.p95_wan_us, 1000),
    p50_lan: scaled(history.p50_lan_us, 1000), p95_lan: scaled(history.p95_lan_us, 1000),
    loss_wan: scaled(history.loss_wan_ppm, 10000), loss_lan: scaled(history.loss_lan_ppm, 10000),
  };
  // A page that looks at a new control is not shown fourteen minutes of nothing.
  const first = Math.max(0, Math.min(series.states.findIndex((s) => s !== "."), x.length - SPARK_S));
  for (const name of Object.keys(series))
    series[name] = series[name].slice(first);
  return series;
}

function addPoint(series, path, second) {
  const last = series.x.at(-1) ?? second - 1;
  const point = (at, seen) => {
    const loss = (leg) => seen && lossPpm(path, leg) !== null ? lossPpm(path, leg) / 10000 : null;
    const rtt = (leg, q) => seen ? inMs(quantiles(path, leg)[q]) : null;
    push(series.x, at, HISTORY_S);
    push(series.states, seen ? letterOf(path.state) : ".", HISTORY_S);
    for (const leg of ["wan", "lan"]) {
      push(series["p50_" + leg], rtt(leg, "p50_us"), HISTORY_S);
      push(series["p95_" + leg], rtt(leg, "p95_us"), HISTORY_S);
      push(series["loss_" + leg], loss(leg), HISTORY_S);
    }
  };
  for (let at = Math.max(last + 1, second - HISTORY_S); at < second; at++)
    point(at, false);
  if (second > last)
    point(second, true);
}

const slo = (service) => view.state?.policy?.services.find((s) => s.name === service)?.slo;

function drawCharts() {
  const s = view.series, limits = slo(view.chosen?.service);
  if (!s)
    return;
  charts ??= Object.fromEntries(Object.entries(LINES).map(([name, lines]) =>
    [name, chart(el("chart-" + name), lines, () => view.series?.states ?? [], el("key-" + name))]));
  const flat = (value) => s.x.map(() => value ?? null);
  charts.wan.setData([s.x, s.p50_wan, s.p95_wan, flat(limits?.latency_us ? limits.latency_us / 1000 : null)]);
  charts.lan.setData([s.x, s.p50_lan, s.p95_lan]);
  charts.loss.setData([s.x, s.loss_wan, s.loss_lan, flat(limits?.loss_ppm ? limits.loss_ppm / 10000 : null)]);
}

function showDetail() {
  const path = view.state?.picture?.paths.find((p) => p.service === view.chosen?.service && p.uplink === view.chosen?.uplink);
  if (!path)
    return;
  const wan = quantiles(path, "wan"), lan = quantiles(path, "lan");
  const text = `${STATES[path.state].mark} ${path.state}: ${path.reason}`;
  if (el("detail-reason").textContent !== text)
    el("detail-reason").textContent = text;
  el("chart-wan").setAttribute("aria-label", `Round trip on the WAN side: p50 ${ms(wan.p50_us)}, p95 ${ms(wan.p95_us)} milliseconds`);
  el("chart-lan").setAttribute("aria-label", `Round trip on the LAN side: p50 ${ms(lan.p50_us)}, p95 ${ms(lan.p95_us)} milliseconds`);
  el("chart-loss").setAttribute("aria-label", `Loss: WAN side ${percent(lossPpm(path, "wan"))}, LAN side ${percent(lossPpm(path, "lan"))}`);
  drawCharts();
}

async function loadWhy() {
  const { service } = view.chosen, decisions = await get("/api/why/" + encodeURIComponent(service));
  if (service === view.chosen.service)
    showWhy(el("why"), decisions ?? [], service);
}

async function choose(service, uplink) {
  view.chosen = { service, uplink };
  view.series = null;
  el("detail-title").textContent = `${service} on ${uplink}`;
  el("why-title").textContent = `Why: the last decisions about ${service}`;
  history.replaceState(null, "", "#" + new URLSearchParams({ service, uplink }));
  show();
  const got = await get("/api/history?" + new URLSearchParams({ service, uplink }));
  if (!got || view.chosen.service !== service || view.chosen.uplink !== uplink)
    return;
  view.series = seriesOf(got);
  showDetail();
  loadWhy();
}

/** What the address says, else the first service where it stands. */
function chooseFirst() {
  const asked = new URLSearchParams(location.hash.slice(1)), paths = view.state.picture.paths;
  const first = view.state.picture.services[0];
  const found = paths.find((p) => p.service === asked.get("service") && p.uplink === asked.get("uplink"))
    ?? paths.find((p) => p.service === first?.name && p.uplink === first.uplink) ?? paths[0];
  if (found)
    choose(found.service, found.uplink);
}

// ---- all of it ----

function show() {
  if (!view.state)
    return;
  showSummary(view.state, view);
  if (!view.state.picture)
    return;
  showPaths(el("paths"), view, choose);
  showUplinks(el("uplinks"), view.state);
  showDetail();
}

function takeState(state) {
  view.state = state;
  view.heardMs = performance.now();
  if (state.picture)
    addSecond(state);
  if (state.picture && !view.chosen)
    chooseFirst();
  show();
}

const same = (a, b) => a.source === b.source && a.boot === b.boot && a.seq === b.seq;

async function loadPast() {
  const [incidents, events] = await Promise.all([get("/api/incidents"), get("/api/events"), loadSparks()]);
  view.incidents = incidents ?? view.incidents;
  // What the stream said meanwhile stays.
  view.events = [...view.events.filter((e) => !events?.some((f) => same(e, f)) && e.at_unix_ns > (events?.[0]?.at_unix_ns ?? 0)), ...events ?? []];
  showIncidents(el("incidents"), view.incidents, get);
  showEvents(el("events"), view.events);
  if (view.chosen)
    choose(view.chosen.service, view.chosen.uplink);
}

function takeIncident(incident) {
  const at = view.incidents.findIndex((i) => i.id === incident.id);
  if (at >= 0)
    view.incidents[at] = incident;
  else
    view.incidents.unshift(incident);
  view.incidents.sort((a, b) => b.id - a.id);
  showIncidents(el("incidents"), view.incidents, get);
}

function takeEvent(event) {
  if (view.events.some((e) => same(e, event)))
    return;
  view.events.unshift(event);
  view.events.length = Math.min(view.events.length, 200);
  showEvents(el("events"), view.events);
  if (event.kind === "decision" && event.service === view.chosen?.service)
    loadWhy();
}

function listen() {
  const source = new EventSource("/events");
  const on = (kind, take) => source.addEventListener(kind, (message) => take(JSON.parse(message.data)));
  source.onopen = () => { view.lostMs = 0; };
  on("state", takeState);
  on("incident", takeIncident);
  on("event", takeEvent);
  on("reset", loadPast);
  source.onerror = () => {
    view.lostMs ||= performance.now();
    // Refused, not lost: the browser gives up, we do not.
    if (source.readyState === EventSource.CLOSED)
      setTimeout(listen, 3000);
  };
}

function themeButton() {
  const button = el("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const say = () => {
    button.textContent = now() === "dark" ? "☀ light" : "☾ dark";
    button.setAttribute("aria-label", now() === "dark" ? "Change to light" : "Change to dark");
  };
  const redraw = () => {
    say();
    for (const name of Object.keys(charts ?? {})) {
      charts[name].destroy();
    }
    charts = null;
    drawCharts();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("storeline-theme", document.documentElement.dataset.theme);
    } catch {
      // Not kept; it holds for this page.
    }
    redraw();
  });
  dark.addEventListener("change", redraw);
  say();
}

themeButton();
listen();
loadPast().catch(() => setTimeout(loadPast, 3000));
setInterval(() => showFresh(view, performance.now()), 500);
