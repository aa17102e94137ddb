// page.mjs - the page in a headless Chromium: page.mjs URL MODULES FOLDER [SHOTS]
//
// What must happen outside is asked for on stdout ("do brownout") and has happened when a
// line comes on stdin.  "ok NAME" for each check; the first that fails ends it with 1.
// SHOTS: a folder for screenshots, to look at.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [url, modules, folder, shots] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/x.js")("playwright-core");
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const WITHIN = { timeout: 15000 };

async function ask(what) {
  console.log("do " + what);
  const { done } = await lines.next();
  if (done)
    throw new Error("nobody answers");
}

function expect(holds, what) {
  if (!holds)
    throw new Error(what);
}

const browser = await chromium.launchPersistentContext(folder, {
  executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1440, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const complaints = [];
let away = false; // control is: then failed requests are no fault of the page

function watch(page) {
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !(away && /Failed to load resource|net::ERR/.test(text)))
      complaints.push(text);
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(url + "/") || request.method() !== "GET")
      complaints.push(`${request.method()} ${request.url()}`);
  });
  return page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => globalThis.violations.push(e.violatedDirective));
    globalThis.jumps = 0;
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries())
        globalThis.jumps += shift.startTime > 3000 && !shift.hadRecentInput ? shift.value : 0;
    }).observe({ type: "layout-shift", buffered: true });
  });
}

const page = await browser.newPage();
await watch(page);
const cell = (service, uplink) => page.locator(`button.path[data-service="${service}"][data-uplink="${uplink}"]`);
const stateOf = (service, uplink, state) => page.locator(`button.path[data-service="${service}"][data-uplink="${uplink}"][data-state="${state}"]`).waitFor(WITHIN);
const says = (selector, text) => page.locator(selector).filter({ hasText: text }).first().waitFor(WITHIN);
const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const shot = async (name) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true }); };

const checks = {
  async "it shows the store"() {
    await page.goto(url);
    await stateOf("pos", "fibre", "good");
    await stateOf("pos", "lte", "idle");
    await stateOf("click-and-collect", "lte", "blind");
    expect((await page.title()).startsWith("store-0421"), "the title names the site");
    expect((await cell("pos", "fibre").textContent()).includes("● good"), "a state is a mark and a word");
    await says("#summary", "All is well");
    await says("#fresh-dataplane", "live");
    await says("#fresh-redis", "live");
    await says("#uplinks", "500 Mbit/s");
    await page.locator("#chart-wan canvas").waitFor(WITHIN);
    expect(await cell("pos", "fibre").getAttribute("aria-pressed") === "true", "the first service is chosen");
  },
  async "states change without a reload"() {
    await page.evaluate(() => { globalThis.same = true; });
    await ask("brownout");
    await stateOf("pos", "fibre", "degraded");
    await says("#summary", "degraded on fibre");
    await says(".path", "trial, 5.0 %");
    await ask("change"); await ask("decide"); await ask("open");
    await says("#incidents", "pos on fibre: fault on the uplink → reroute to lte");
    await says("#why", "chosen: reroute lte");
    await says("#why", "204 ms");
    expect(await page.evaluate(() => globalThis.same), "the page was not loaded anew");
  },
  async "an incident tells why"() {
    await page.locator("button.incident").first().click();
    await says(".more", "The fault is on the uplink");
    await says(".more", "rejected: throttle wifi-guest");
    await says(".more", "5 % of new flows to lte");
    await ask("moved"); await ask("close");
    await says(".outcome", "helped");
    await says(".more", "proved lte");
    await says(".service", "moved to lte");
    await shot("moved-light-1440");
  },
  async "the keyboard goes everywhere"() {
    await cell("pos", "fibre").focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate(() => document.activeElement.dataset.uplink) === "lte", "right is the next uplink");
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate(() => document.activeElement.dataset.service) === "click-and-collect", "down is the next service");
    await page.keyboard.press("Enter");
    await says("#detail-title", "click-and-collect on lte");
    expect(page.url().includes("service=click-and-collect"), "the address names it");
    const named = await page.evaluate(() => [...document.querySelectorAll("button")].every((b) => b.textContent.trim() || b.ariaLabel));
    expect(named, "every button has a name");
  },
  async "both themes, and the choice is kept"() {
    const light = await ground();
    await page.locator("#theme").click();
    const dark = await ground();
    expect(light !== dark, "the toggle changes it");
    await shot("moved-dark-1440");
    await page.reload();
    await stateOf("pos", "lte", "good");
    expect(await ground() === dark, "kept over a reload");
    await page.evaluate(() => localStorage.clear());
    await page.emulateMedia({ colorScheme: "dark" });
    await page.reload();
    expect(await ground() === dark, "else as the system has it");
    await page.emulateMedia({ colorScheme: "light" });
    expect(await ground() === light, "also when that changes");
  },
  async "a phone shows all of it"() {
    for (const width of [375, 320]) {
      await page.setViewportSize({ width, height: 812 });
      await page.reload();
      await stateOf("pos", "lte", "good");
      await page.locator("button.incident").first().click();
      await says(".more", "The fault is");
      expect(await fits(), `no scrolling sideways at ${width}`);
      const small = await page.evaluate(() => [...document.querySelectorAll(".path:not(.none)")].some((b) => [...b.children].some((c) => c.scrollWidth > c.clientWidth + 1 && c.tagName !== "svg")));
      expect(!small, `nothing is cut off at ${width}`);
    }
    await shot("moved-light-320");
    await page.setViewportSize({ width: 1440, height: 900 });
  },
  async "it says when it is stale"() {
    await ask("quiet");
    await says("#fresh-dataplane", "stale since");
    await says("#summary", "Stale since");
    expect(await page.evaluate(() => document.body.classList.contains("stale")), "and looks so");
    await ask("good"); await ask("open");
    await says("#summary", /none outside its SLO; \d incidents? open/);
    await ask("close");
    await ask("no-redis");
    await says("#fresh-redis", "Redis lost");
    await ask("redis");
    await says("#fresh-redis", "Redis live");
  },
  async "it comes back after control was away"() {
    away = true;
    await ask("no-control");
    await says("#fresh-page", "no word from control");
    await ask("control");
    await says("#fresh-page", "page live");
    await says("#fresh-dataplane", "live");
    away = false;
    await stateOf("pos", "fibre", "good");
    await says("#incidents", "pos on fibre");
  },
  async "nothing jumps, nothing complains"() {
    await page.reload();
    await stateOf("pos", "fibre", "good");
    await page.waitForTimeout(6000);
    const jumps = await page.evaluate(() => globalThis.jumps);
    expect(jumps < 0.02, `layout shift ${jumps}`);
    expect((await page.evaluate(() => globalThis.violations)).length === 0, "no CSP violation");
    expect(complaints.length === 0, "no complaint: " + complaints.join(" | "));
  },
};

let code = 0;
try {
  for (const [name, check] of Object.entries(checks)) {
    const since = Date.now();
    await check();
    console.log(`ok ${name} (${((Date.now() - since) / 1000).toFixed(1)} s)`);
  }
} catch (error) {
  console.log(`FAILED: ${error.message}; complaints: ${complaints.join(" | ")}`);
  await shot("failed");
  code = 1;
}
await browser.close();
process.exit(code);
