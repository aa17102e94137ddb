// past.js - incidents, decisions and events: what was, and why
import { clock, FAULT, input, OUTCOME, span } from "./words.js";

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className)
    node.className = className;
  node.append(...children);
  return node;
}

const time = (unixNs) => make("time", "", clock(unixNs));
const nothing = (words) => make("li", "nothing", words);

// ---- decisions ----

function inputsTable(inputs) {
  const row = (tag, cells) => make("tr", "", ...cells.map((c) => make(tag, "", c)));
  const body = inputs.map((i) => {
    const [label, value] = input(i.name, i.value);
    return row("td", [label, value, i.limit ? input(i.name, i.limit)[1] : "", i.usual ? input(i.name, i.usual)[1] : "", i.samples ? String(i.samples) : ""]);
  });
  return make("table", "", make("thead", "", row("th", ["measured", "was", "limit", "usual", "samples"])), make("tbody", "", ...body));
}

function optionItem(option) {
  const what = [option.remedy, option.target].filter(Boolean).join(" ");
  return make("li", option.chosen ? "chosen" : "", `${option.chosen ? "✓ chosen:" : "✗ rejected:"} ${what}: ${option.why}`);
}

export function decisionBlock(event) {
  const { decision } = event, block = make("div", "decision", make("p", "", time(event.at_unix_ns), " ", make("b", "", event.text)));
  const fact = (words, value) => value ? block.append(make("p", "", make("span", "fact", words + " "), value)) : null;
  fact(`The fault is ${FAULT[event.verdict]}:`, decision?.located);
  if (decision?.inputs.length)
    block.append(inputsTable(decision.inputs));
  if (decision?.options.length)
    block.append(make("ul", "", ...decision.options.map(optionItem)));
  if (decision?.guardrail)
    block.append(make("p", "held", "Held back: " + decision.guardrail));
  fact("Memory:", decision?.remembered);
  return block;
}

export function showWhy(holder, decisions, service) {
  holder.replaceChildren(...decisions.length ? decisions.slice(0, 3).map(decisionBlock)
    : [make("p", "nothing", `Nothing was decided about ${service} yet: it is where the policy puts it.`)]);
}

// ---- incidents ----

const opened = new Set();

function times(incident) {
  const begin = incident.first_bad_unix_ns || incident.opened_unix_ns;
  const parts = [clock(incident.opened_unix_ns)];
  if (incident.acted_unix_ns)
    parts.push(`acted after ${span((incident.acted_unix_ns - begin) / 1e6)}`);
  if (incident.proved_unix_ns)
    parts.push(`proved after ${span((incident.proved_unix_ns - begin) / 1e6)}`);
  parts.push(incident.closed_unix_ns ? `over after ${span((incident.closed_unix_ns - begin) / 1e6)}` : "open");
  return parts.join(" · ");
}

async function showMore(holder, incident, get) {
  const [whole, decisions] = await Promise.all([get("/api/incident/" + incident.id), incident.service ? get("/api/why/" + encodeURIComponent(incident.service)) : null]);
  const about = (decisions ?? []).filter((d) => d.incident === incident.id);
  const fact = (words, value) => value ? [make("p", "", make("span", "fact", words + " "), value)] : [];
  holder.replaceChildren(
    make("p", "", incident.text),
    ...fact(`The fault is ${FAULT[incident.verdict]}:`, incident.located),
    make("ol", "", ...(whole?.steps ?? []).map((s) => make("li", "", time(s.at_unix_ns), ` ${[s.remedy, s.target].filter(Boolean).join(" ")}: ${s.text}`))),
    ...fact("Fingerprint", incident.fingerprint),
    ...about.map(decisionBlock));
}

// Of no uplink, or of no service: trouble of the LAN itself.
const whereOf = (said) => [said.service || "the LAN", said.uplink].filter(Boolean).join(" on ");

function incidentItem(incident, get) {
  const target = incident.target ? ` ${incident.remedy === "reroute" ? "to " : ""}${incident.target}` : "";
  const remedy = incident.remedy ? ` → ${incident.remedy}${target}` : "";
  const outcome = make("span", "outcome", incident.outcome === "none" && incident.closed_unix_ns ? "over" : OUTCOME[incident.outcome]);
  const title = make("span", "", make("b", "", whereOf(incident)), `: fault ${FAULT[incident.verdict]}${remedy}`);
  const button = make("button", "incident", make("span", "line", title, outcome), make("small", "", `#${incident.id} · ${times(incident)}`));
  const more = make("div", "more"), item = make("li", "", button, more);
  const open = (yes) => {
    button.setAttribute("aria-expanded", String(yes));
    more.hidden = !yes;
    if (yes) {
      opened.add(incident.id);
      showMore(more, incident, get);
    } else {
      opened.delete(incident.id);
    }
  };
  button.type = "button";
  outcome.dataset.outcome = incident.outcome;
  button.addEventListener("click", () => open(more.hidden));
  open(opened.has(incident.id));
  return item;
}

export function showIncidents(list, incidents, get) {
  const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
  list.replaceChildren(...incidents.length ? incidents.slice(0, 50).map((i) => incidentItem(i, get))
    : [nothing("No incident on record.")]);
  if (focused >= 0)
    list.querySelectorAll("button")[focused]?.focus();
}

// ---- events ----

function eventText(event) {
  const where = [event.service, event.uplink].filter(Boolean).join(" on ");
  if (event.kind === "state-change")
    return `${where}: ${event.before} → ${event.after}, ${event.text}`;
  const said = event.text || event.remedy;
  if (event.kind === "decision" || event.kind === "action")
    return !where || said.includes(event.service || event.uplink) ? said : `${where}: ${said}`;
  return `${event.source}: ${event.kind}, ${event.text || event.ack}`;
}

export function showEvents(list, events) {
  list.replaceChildren(...events.length ? events.slice(0, 60).map((e) => make("li", "", time(e.at_unix_ns), " " + eventText(e)))
    : [nothing("Nothing yet.")]);
}
