// present.js - the present: services x uplinks, uplinks, and one sentence over all
import { spark, sparkline } from "./draw.js";
import { age, lossPpm, ms, percent, rate, STATES } from "./words.js";

const el = (id) => document.getElementById(id);

/** Only what changed is touched: nothing flickers, nothing is read out twice. */
function text(node, value) {
  if (node.textContent !== value)
    node.textContent = value;
}

function attribute(node, name, value) {
  if (node.getAttribute(name) !== value)
    node.setAttribute(name, value);
}

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className)
    node.className = className;
  node.append(...children);
  return node;
}

// ---- services x uplinks ----

let drawn = { shape: "", cells: new Map(), services: new Map() };

function makeNumbers(leg) {
  const rtt = make("b"), loss = make("em");
  const line = make("span", "numbers", make("i", "", leg), rtt, " ", loss);
  return { line, rtt, loss };
}

function makeCell(service, uplink, choose) {
  const button = make("button", "path");
  const cell = { button, state: make("span", "state"), use: make("span", "use"), wan: makeNumbers("WAN"), lan: makeNumbers("LAN"), spark: sparkline() };
  button.type = "button";
  button.dataset.service = service;
  button.dataset.uplink = uplink;
  cell.use.dataset.uplink = uplink;
  button.append(cell.state, cell.use, cell.wan.line, cell.lan.line, cell.spark);
  button.addEventListener("click", () => choose(service, uplink));
  return cell;
}

/** Arrow keys go from path to path as the eye does. */
function walk(event) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const rows = [...event.currentTarget.querySelectorAll(".row:not(.head)")].map((r) => [...r.querySelectorAll(".path:not(.none)")]);
  const row = rows.findIndex((r) => r.includes(document.activeElement));
  if (!step || row < 0)
    return;
  const column = rows[row].indexOf(document.activeElement) + step[1];
  const to = rows[row + step[0]];
  const next = to?.[Math.min(column, to.length - 1)];
  if (next) {
    next.focus();
    event.preventDefault();
  }
}

function build(holder, services, uplinks, paths, choose) {
  const header = make("div", "row head", make("span", "", "service"), ...uplinks.map((u) => make("span", "", u)));
  const has = (s, u) => paths.some((p) => p.service === s && p.uplink === u);
  drawn = { shape: drawn.shape, cells: new Map(), services: new Map() };
  attribute(header, "role", "row");
  for (const child of header.children)
    attribute(child, "role", "columnheader");
  const rows = services.map((name) => {
    const note = make("small"), limit = make("small");
    const title = make("div", "service", make("b", "", name), note, limit);
    const row = make("div", "row", title);
    attribute(row, "role", "row");
    attribute(title, "role", "rowheader");
    drawn.services.set(name, { note, limit });
    for (const uplink of uplinks) {
      const cell = makeCell(name, uplink, choose), holderCell = make("div", "", cell.button);
      attribute(holderCell, "role", "cell");
      cell.button.classList.toggle("none", !has(name, uplink));
      cell.button.disabled = !has(name, uplink);
      drawn.cells.set(`${name}/${uplink}`, cell);
      row.append(holderCell);
    }
    return row;
  });
  holder.style.setProperty("--columns", uplinks.length);
  holder.replaceChildren(header, ...rows);
  holder.onkeydown = walk;
}

function showNumbers(numbers, rtt, loss, limits) {
  text(numbers.rtt, rtt.samples ? `${ms(rtt.p50_us)} / ${ms(rtt.p95_us)}` : "– / –");
  text(numbers.loss, percent(loss));
  numbers.rtt.classList.toggle("over", Boolean(limits?.latency_us && rtt.samples && rtt.p95_us > limits.latency_us));
  numbers.loss.classList.toggle("over", Boolean(limits?.loss_ppm !== undefined && loss > limits.loss_ppm));
}

function useOf(service, uplink) {
  if (service?.trial_uplink === uplink)
    return `trial, ${percent(service.trial_share_ppm)}`;
  return service?.uplink === uplink ? "▶ in use" : "";
}

function showCell(cell, path, service, limits, seen, chosen) {
  const use = useOf(service, path.uplink);
  attribute(cell.button, "data-state", path.state);
  text(cell.state, `${STATES[path.state].mark} ${path.state}`);
  text(cell.use, use);
  cell.use.classList.toggle("on", use !== "");
  showNumbers(cell.wan, path.rtt_wan, lossPpm(path, "wan"), limits);
  showNumbers(cell.lan, path.rtt_lan, lossPpm(path, "lan"), limits && { loss_ppm: limits.loss_ppm });
  spark(cell.spark, seen?.p95 ?? [], limits?.latency_us ?? null);
  attribute(cell.button, "aria-pressed", String(chosen?.service === path.service && chosen?.uplink === path.uplink));
  attribute(cell.button, "aria-label", `${path.service} on ${path.uplink}: ${path.state}${use ? ", " + use.replace("▶ ", "") : ""}. ${path.reason}`);
}

function showService(name, service, policy) {
  const { note, limit } = drawn.services.get(name);
  const least = Math.min(...[service.limit_up_bps, service.limit_down_bps].filter((bps) => bps > 0));
  text(note, service.rerouted ? `moved to ${service.uplink}` : policy?.priority ?? "");
  note.classList.toggle("note", service.rerouted);
  const held = [Number.isFinite(least) ? `limited to ${rate(least)}` : "", service.dscp_cause ? `marked ${service.dscp}` : ""];
  text(limit, held.filter((word) => word).join(", "));
  limit.classList.toggle("note", held.some((word) => word));
}

export function showPaths(holder, view, choose) {
  const { picture, policy } = view.state;
  const uplinks = picture.uplinks.map((u) => u.name), services = picture.services.map((s) => s.name);
  const shape = JSON.stringify([uplinks, services, picture.paths.map((p) => p.service + "/" + p.uplink)]);
  if (shape !== drawn.shape) {
    drawn.shape = shape;
    build(holder, services, uplinks, picture.paths, choose);
  }
  for (const service of picture.services)
    showService(service.name, service, policy?.services.find((s) => s.name === service.name));
  for (const path of picture.paths) {
    const name = `${path.service}/${path.uplink}`, cell = drawn.cells.get(name);
    if (cell)
      showCell(cell, path, picture.services.find((s) => s.name === path.service),
        policy?.services.find((s) => s.name === path.service)?.slo, view.sparks.get(name), view.chosen);
  }
}

// ---- uplinks ----

const meters = new Map();

function makeMeter(word) {
  const fill = make("i"), value = make("span"), share = make("span");
  const line = make("div", "meter", make("span", "", word), make("div", "bar", fill), value, share);
  attribute(line, "role", "meter");
  attribute(line, "aria-valuemin", "0");
  attribute(line, "aria-valuemax", "100");
  return { line, fill, value, share };
}

function makeUplink(name, metered) {
  const state = make("span", "state"), up = makeMeter("up"), down = makeMeter("down");
  const box = make("div", "uplink", make("div", "title", make("b", "", name + (metered ? " (metered)" : "")), state), up.line, down.line);
  return { box, state, up, down };
}

function showMeter(meter, name, bps, capacity) {
  const share = capacity ? Math.min(100, bps / capacity * 100) : null;
  text(meter.value, rate(bps));
  text(meter.share, share === null ? "" : share.toFixed(0) + " %");
  meter.fill.style.width = (share ?? 0).toFixed(1) + "%";
  attribute(meter.line, "data-full", share > 85 ? "yes" : "no");
  attribute(meter.line, "aria-label", name);
  attribute(meter.line, "aria-valuenow", (share ?? 0).toFixed(0));
  attribute(meter.line, "aria-valuetext", `${rate(bps)}${capacity ? " of " + rate(capacity) : ""}`);
}

export function showUplinks(holder, state) {
  for (const uplink of state.picture.uplinks) {
    let shown = meters.get(uplink.name);
    if (!shown) {
      shown = makeUplink(uplink.name, state.policy?.uplinks.find((u) => u.name === uplink.name)?.metered);
      meters.set(uplink.name, shown);
      holder.append(shown.box);
    }
    attribute(shown.box, "data-state", uplink.state);
    text(shown.state, `${STATES[uplink.state].mark} ${uplink.state}${uplink.capacity_bps ? " · " + rate(uplink.capacity_bps) : ""}`);
    showMeter(shown.up, `${uplink.name} up`, uplink.rate_up_bps, uplink.capacity_bps);
    showMeter(shown.down, `${uplink.name} down`, uplink.rate_down_bps, uplink.capacity_bps);
  }
}

// ---- one sentence, and how old it is ----

const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** "pos and cctv are degraded on fibre; other is down on lte" from [who, what] pairs. */
function together(pairs) {
  const groups = new Map();
  for (const [who, what] of pairs)
    groups.set(what, [...groups.get(what) ?? [], who]);
  return [...groups].map(([what, who]) => who.length === 1 ? `${who[0]} is ${what}`
    : `${who.slice(0, -1).join(", ")} and ${who.at(-1)} are ${what}`).join("; ");
}

function sentence(state) {
  const { picture } = state;
  const at = (s) => picture.paths.find((p) => p.service === s.name && p.uplink === s.uplink);
  const bad = picture.services.filter((s) => STATES[at(s)?.state]?.rank >= 2);
  const names = together(bad.map((s) => [s.name, `${at(s).state} on ${s.uplink}`]));
  const away = picture.services.filter((s) => s.rerouted).map((s) => `${s.name} moved to ${s.uplink}`);
  const open = state.incidents.length ? plural(state.incidents.length, "incident open", "incidents open") : "";
  const rest = [...away, open].filter(Boolean).join("; ");
  if (picture.bypassed)
    return ["bad", "✕", "Bypassed: every packet passes untouched, nothing is steered" + (names ? "; " + names : "")];
  if (picture.frozen)
    return ["warn", "▲", "Frozen: no new action" + (names ? "; " + names : "")];
  if (bad.length)
    return [bad.some((s) => at(s).state === "down") ? "bad" : "warn", "▲", names + (rest ? "; " + rest : "")];
  const well = picture.services.filter((s) => at(s)?.state === "good").length;
  const calm = !well ? "Nothing is bad, and no service has traffic enough to judge by"
    : `${rest ? "No service is bad" : "All is well"}: ${plural(well, "service", "services")} with traffic, none outside its SLO`;
  return [rest ? "warn" : "good", rest ? "▲" : "●", calm + (rest ? "; " + rest : "")];
}

let stale = false;

export function showSummary(state) {
  text(el("site"), state.site);
  if (document.title !== `${state.site} · Storeline`)
    document.title = `${state.site} · Storeline`;
  if (!state.picture)
    return;
  const { mode, frozen, bypassed, policy_version: version } = state.picture;
  text(el("mode"), `${mode}${frozen ? ", frozen" : ""}${bypassed ? ", bypassed" : ""} · policy ${version}`);
  attribute(el("mode"), "data-tone", frozen || bypassed || mode !== "enforce" ? "warn" : "");
  if (stale)
    return;
  const [tone, mark, words] = sentence(state);
  attribute(el("summary"), "data-tone", tone);
  text(el("summary-mark"), mark);
  text(el("summary-text"), words);
}

function fresh(id, good, words) {
  attribute(el(id), "data-tone", good ? "good" : "bad");
  text(el(id), words);
}

/** Twice a second: how old what is shown is, in plain sight. */
export function showFresh(view, now) {
  const since = now - view.heardMs, state = view.state;
  const page = view.lostMs === 0 && (!state || since < 3500);
  const old = state ? (state.picture_ms ?? 0) + since : 0;
  const dataplane = state?.picture && page && old < 2500;
  fresh("fresh-page", page, page ? "page live" : `no word from control since ${age(view.lostMs ? now - view.lostMs : since)}`);
  if (state) {
    fresh("fresh-dataplane", Boolean(dataplane), dataplane ? "dataplane live"
      : state.picture ? `dataplane: stale since ${age(old)}` : "dataplane: not heard yet");
    fresh("fresh-redis", state.redis, state.redis ? "Redis live" : `Redis lost since ${age(state.redis_ms + since)}`);
  }
  const now_stale = !dataplane;
  document.body.classList.toggle("stale", Boolean(state?.picture) && now_stale);
  if (now_stale && state?.picture) {
    attribute(el("summary"), "data-tone", "bad");
    text(el("summary-mark"), "✕");
    text(el("summary-text"), `Stale since ${age(old)}: what is shown is how it was then. Traffic flows on by the last tables.`);
  }
  if (stale && !now_stale) {
    stale = false;
    showSummary(state);
  }
  stale = now_stale && Boolean(state?.picture);
}
