// words.js - numbers and states as a network team says them
export const STATES = {
  good: { mark: "●", rank: 0 },
  idle: { mark: "○", rank: 0 },
  blind: { mark: "◐", rank: 1 },
  unknown: { mark: "?", rank: 1 },
  degraded: { mark: "▲", rank: 2 },
  down: { mark: "✕", rank: 3 },
};
export const LETTERS = { g: "good", d: "degraded", x: "down", i: "idle", b: "blind", u: "unknown" };
export const letterOf = (state) => Object.keys(LETTERS).find((l) => LETTERS[l] === state) ?? "u";

const NONE = "–";

/** Milliseconds from microseconds, three figures at most. */
export function ms(us) {
  if (us === null || us === undefined)
    return NONE;
  const value = us / 1000;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

export function percent(ppm) {
  if (ppm === null || ppm === undefined)
    return NONE;
  const value = ppm / 10000;
  return (value === 0 ? "0" : value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)) + " %";
}

export function rate(bps) {
  if (bps >= 1e9)
    return (bps / 1e9).toFixed(1) + " Gbit/s";
  if (bps >= 1e6)
    return (bps / 1e6).toFixed(bps >= 1e8 ? 0 : 1) + " Mbit/s";
  return (bps / 1e3).toFixed(0) + " kbit/s";
}

/** A span of time, in the unit that people would use. */
export function span(milliseconds) {
  const s = milliseconds / 1000;
  if (s < 10)
    return s.toFixed(1) + " s";
  if (s < 120)
    return s.toFixed(0) + " s";
  if (s < 7200)
    return (s / 60).toFixed(0) + " min";
  return s < 172800 ? (s / 3600).toFixed(0) + " h" : (s / 86400).toFixed(0) + " d";
}

/** Whole seconds: an age that is shown second by second. */
export const age = (milliseconds) => milliseconds < 120000 ? Math.floor(milliseconds / 1000) + " s" : span(milliseconds);

const two = (n) => String(n).padStart(2, "0");

/** Local time of unix nanoseconds; the day too when it is not today. */
export function clock(unixNs) {
  const date = new Date(unixNs / 1e6), today = new Date();
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === today.toDateString() ? time
    : `${two(date.getDate())}.${two(date.getMonth() + 1)}. ${time}`;
}

/** An input of a decision by the unit in its name: ["rtt wan p95", "204 ms"]. */
export function input(name, value) {
  const units = { _us: (v) => ms(v) + " ms", _ppm: percent, _ms: (v) => span(v), _bps: rate };
  const unit = Object.keys(units).find((u) => name.endsWith(u));
  const label = (unit ? name.slice(0, -unit.length) : name).replaceAll("_", " ");
  return [label, unit ? units[unit](value) : String(value)];
}

/** Share of the segments lost on a leg, of the worse direction, in ppm; null without any. */
export function lossPpm(path, leg) {
  const share = (lost, segments) => segments ? lost / segments * 1e6 : 0;
  const { loss_from_lan: lan, loss_from_wan: wan } = path;
  if (!lan.segments && !wan.segments)
    return null;
  return leg === "lan"
    ? Math.max(share(lan.lost_before, lan.segments), share(wan.lost_after, wan.segments))
    : Math.max(share(lan.lost_after, lan.segments), share(wan.lost_before, wan.segments));
}

export const FAULT = {
  lan: "in the store's LAN", uplink: "on the uplink", destination: "at the far end",
  dns: "in name resolution", self: "in this box", unknown: "not known",
};
export const OUTCOME = {
  none: "running", helped: "helped", undone: "taken back", held: "held on purpose", passed: "passed by itself",
};
