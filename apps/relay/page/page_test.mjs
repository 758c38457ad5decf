// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The page, in a browser.
//   node page_test.mjs                           against fake_relay.mjs, which it starts
//   node page_test.mjs URL                       against a fake_relay.mjs --still that runs there
//   node page_test.mjs URL --real [--token T]    against a relay that runs there, and has an empty queue
// Options:
//   --screenshots DIR   saves pictures there
//   --browser PATH      default: /usr/bin/chromium
//   --job JSON          with --real: what POST /jobs gets; TARGET stands for a URL that first answers 500, then 200
// playwright-core is looked for from the current directory upwards, and in NODE_PATH.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { startFake } from "./fake_relay.mjs";
import { withPatience } from "../../../tests/browser/watched.mjs";

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        token: { type: "string", default: "" },
        screenshots: { type: "string" },
        browser: { type: "string", default: "/usr/bin/chromium" },
        real: { type: "boolean", default: false },
        job: { type: "string", default: '{"target":"TARGET","body":"hello","max_attempts":1}' }
    }
});
const { chromium } = createRequire(path.join(process.cwd(), "here.js"))("playwright-core");
const { until, watchedPage } = withPatience(15000);

const fake = positionals.length || options.real ? null : await startFake();
const url = new URL(positionals[0] ?? fake.url).href;
const browser = await chromium.launch({ executablePath: options.browser, args: ["--no-sandbox"] });
if (options.screenshots) await mkdir(options.screenshots, { recursive: true });

// ---- What the cases use.

/// Steers the fake relay.
async function fakeDo(what, body = {}) {
    const response = await fetch(new URL("fake/" + what, url), { method: "POST", body: JSON.stringify(body) });
    assert.equal(response.status, 200, what);
    return response.json();
}

/// A page, opened; what it asks for, logs and shifts is watched.
async function open({ width = 1280, height = 900, scheme = "light", expected = [], clock = false } = {}) {
    const watched = await watchedPage(browser, { width, height, scheme, expected, origin: new URL(url).origin });
    const page = watched.page;
    await page.addInitScript(() => {
        window.shifted = 0;
        new PerformanceObserver(list => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
    });
    if (clock) await page.clock.install(); // so that it can be put forward
    await page.goto(url);
    const text = id => page.locator("#" + id).textContent();
    return {
        page, text,
        shows: (id, wanted) => until(`#${id} is ${wanted}`, async () => wanted instanceof RegExp ? wanted.test(await text(id)) : await text(id) === wanted),
        rows: id => page.locator(`#${id} tbody tr`),
        state: wanted => until("state " + wanted, async () => await page.locator("#state").getAttribute("data-state") === wanted),
        fits: () => watched.fits(".scroller"),
        shifted: () => page.evaluate(() => window.shifted),
        close: watched.close
    };
}

async function picture(page, name) {
    if (options.screenshots) await page.screenshot({ path: path.join(options.screenshots, name + ".png"), fullPage: true });
}

const refusedLoad = /Failed to load resource/; // Chromium logs each failed request

// ---- Against the fake relay.

const hostile = "<img src=x onerror=alert(1)>";

const fakeCases = {
    "values appear, and change": async () => {
        const view = await open();
        await view.state("live");
        await view.shows("q_ready", "0");
        await view.shows("l_p50", "–");
        await view.shows("hosts_empty", "No host yet: nothing has been delivered.");
        await view.shows("dead_empty", "No dead letters: no job has been given up.");
        assert.ok(await view.page.locator("#dead_empty").isVisible());
        await picture(view.page, "empty");
        await fakeDo("snapshot", {
            name: "north", queue: { ready: 12345, delayed: 3, in_flight: 5, done: 20000000, dead: 2, oldest_ready_ms: 420 },
            rates: { accepted: 120.5, delivered: 118, failed: 1.5 }, latency_ms: { p50: 4.1, p90: 9, p99: 1310 },
            totals: { accepted: 1000, delivered: 990, failed_attempts: 12, retries: 10, buried: 2 },
            in_flight: [{ id: "k-17", host: "example.com", attempt: 2, max_attempts: 10, for_ms: 1234 }],
            hosts: [{ host: "example.com", in_flight: 3, breaker: "half_open", failures: 4, opens_ms: 0 }, { host: "zoo.example", in_flight: 0, breaker: "open", failures: 9, opens_ms: 12000 }]
        });
        for (const [id, wanted] of [["name", "north"], ["q_ready", "12,345"], ["q_oldest", "oldest 0.4 s"], ["q_delayed", "3"], ["q_in_flight", "5"],
            ["q_done", "20M"], ["q_dead", "2"], ["r_accepted", "120.5/s"], ["r_delivered", "118.0/s"], ["r_failed", "1.5/s"], ["l_p50", "4.1 ms"],
            ["l_p90", "9.0 ms"], ["l_p99", "1.31 s"], ["t_accepted", "1,000"], ["t_delivered", "990"], ["t_failed_attempts", "12"], ["t_retries", "10"], ["t_buried", "2"]]) {
            await view.shows(id, wanted);
        }
        assert.deepEqual(await view.rows("in_flight").locator("td").allTextContents(), ["k-17", "example.com", "2 / 10", "1.2 s"]);
        // Hosts in trouble come first.
        assert.deepEqual(await view.rows("hosts").locator("td").allTextContents(),
            ["zoo.example", "open, 12 s", "0", "9", "example.com", "half open", "3", "4"]);
        await fakeDo("snapshot", { queue: { ready: 1, delayed: 0, in_flight: 0, done: 7, dead: 0, oldest_ready_ms: null }, in_flight: [] });
        await view.shows("q_ready", "1");
        await view.shows("in_flight_empty", "Nothing is in flight.");
        assert.equal(await view.page.title(), "north");
        await view.close();
    },

    "the chart draws two minutes, and says what was": async () => {
        const view = await open();
        await view.state("live");
        await fakeDo("busy", { from: 0, to: 150 });
        await view.shows("q_done", "200,100");
        const points = await view.page.locator("#chart path.accepted").evaluate(path => path.getAttribute("d").split(/[ML]/).length - 1);
        assert.ok(points === 121, points + " points");
        const texts = await view.page.locator("#chart text").allTextContents();
        for (const wanted of ["per second", "−120 s", "now", "0"]) assert.ok(texts.includes(wanted), wanted);
        const box = await view.page.locator("#chart").boundingBox();
        const now = await view.text("r_accepted");
        await view.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await view.shows("moment", /^\d+ s ago$/);
        assert.notEqual(await view.text("r_accepted"), now);
        await view.page.mouse.move(0, 0);
        await view.shows("moment", "last two minutes");
        await view.page.locator("#chart").focus();
        await view.page.keyboard.press("ArrowLeft");
        await view.shows("moment", "5 s ago");
        await view.shows("status", /^5 s ago: accepted/);
        await view.page.keyboard.press("Escape");
        await view.shows("moment", "last two minutes");
        // The clock set back: nothing from the future stays.
        await fakeDo("busy", { from: 100, to: 101 });
        await view.shows("q_done", "194,318");
        const beyond = await view.page.locator("#chart path.accepted").evaluate(path => path.getBBox().x + path.getBBox().width - path.ownerSVGElement.clientWidth);
        assert.ok(beyond < 0, "the line leaves the chart");
        await view.close();
    },

    "nothing jumps while snapshots come": async () => {
        for (const width of [1280, 360]) {
            await fakeDo("reset");
            const view = await open({ width });
            await view.state("live");
            for (let second = 0; second < 30; second += 3) {
                await fakeDo("busy", { from: second, to: second });
                await view.shows("q_done", (182400 + 118 * second).toLocaleString("en"));
            }
            const shifted = await view.shifted();
            assert.ok(shifted < 0.01, `shifted by ${shifted} at ${width} px`);
            await view.close();
        }
    },

    "retry posts, and the row goes": async () => {
        const view = await open({ expected: [refusedLoad] });
        const job = (n, more = {}) => ({ id: "k-" + n, host: "example.com", attempts: 10, status: 500, error: "the server said 500", died: 1732693300000 + n, ...more });
        await fakeDo("snapshot", { dead: [job(1), job(2), job(3), job(4, { id: "odd/../id?#%" })] });
        await until("four rows", async () => await view.rows("dead").count() === 4);
        // By keyboard alone; the newest is the first.
        assert.match(await view.rows("dead").first().textContent(), /odd/);
        await view.page.locator("#dead_title").focus();
        await view.page.keyboard.press("Tab"); // the scroller
        await view.page.keyboard.press("Tab");
        await view.page.keyboard.press("Enter");
        await until("three rows", async () => await view.rows("dead").count() === 3);
        assert.ok((await fakeDo("log")).includes("POST /jobs/odd%2F..%2Fid%3F%23%25/retry"));
        // The next row has the focus.
        assert.equal(await view.page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Retry job k-3 to example.com");
        await view.shows("status", "Job odd/../id?#% is ready again.");
        // Snapshots from before do not bring it back; its next death does.
        await fakeDo("snapshot", { queue: { ready: 77 } });
        await view.shows("q_ready", "77");
        assert.equal(await view.rows("dead").count(), 3);
        await fakeDo("snapshot", { dead: [job(1), job(2), job(3), job(4, { id: "odd/../id?#%", died: 1732693354000 })] });
        await until("four rows", async () => await view.rows("dead").count() === 4);
        // What is refused stays, and says why.
        await fakeDo("retry_status", { status: 404 });
        await view.page.getByRole("button", { name: "Retry job k-2 to example.com" }).click();
        await until("the reason", async () => (await view.rows("dead").filter({ hasText: "k-2" }).textContent()).includes("<b>not</b> now"));
        assert.equal(await view.rows("dead").count(), 4);
        await fakeDo("retry_status", { status: 0 });
        // A row keeps the focus while others come and go.
        await view.page.getByRole("button", { name: "Retry job k-2 to example.com" }).focus();
        await fakeDo("snapshot", { dead: [job(1), job(2), job(9)] });
        await until("k-9", async () => (await view.rows("dead").first().textContent()).includes("k-9"));
        assert.equal(await view.page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Retry job k-2 to example.com");
        await view.close();
    },

    "401 asks for the token, which stays in the tab": async () => {
        await fakeDo("token", { token: "s3cret" });
        const view = await open({ expected: [refusedLoad] });
        await view.state("token");
        assert.ok(await view.page.locator("#token_dialog").isVisible());
        await picture(view.page, "token");
        await view.page.keyboard.type("wrong");
        await view.page.keyboard.press("Enter");
        await view.shows("token_trouble", "The server does not accept this token.");
        await view.page.keyboard.press("Escape");
        await view.page.getByRole("button", { name: "Enter token" }).click();
        await view.page.locator("#token").fill("two words");
        await view.page.keyboard.press("Enter");
        await view.shows("token_trouble", /no blanks/);
        await view.page.locator("#token").fill("s3cret");
        await view.page.keyboard.press("Enter");
        await view.state("live");
        assert.ok(!await view.page.locator("#token_dialog").isVisible());
        assert.deepEqual(await view.page.evaluate(() => [Object.values(sessionStorage), localStorage.length, document.cookie, location.href]), [["s3cret"], 0, "", url]);
        // Retries carry it too.
        await fakeDo("snapshot", { dead: [{ id: "k-1", host: "h", attempts: 1, status: 0, error: "", died: 1732693300000 }] });
        await view.page.getByRole("button", { name: "Retry job k-1 to h" }).click();
        await until("no row", async () => await view.rows("dead").count() === 0);
        await view.page.reload();
        await view.state("live");
        // Another token on the server: what runs goes on, a retry asks.
        await fakeDo("token", { token: "other" });
        await fakeDo("snapshot", { dead: [{ id: "k-2", host: "h", attempts: 1, status: 0, error: "", died: 1732693300001 }] });
        await view.page.getByRole("button", { name: "Retry job k-2 to h" }).click();
        await view.shows("token_trouble", "The server does not accept this token.");
        await view.page.locator("#token").fill("other");
        await view.page.getByRole("button", { name: "Connect", exact: true }).click();
        await view.state("live");
        await view.page.getByRole("button", { name: "Retry job k-2 to h" }).click();
        await until("no row", async () => await view.rows("dead").count() === 0);
        await view.page.getByRole("button", { name: "Forget the token" }).click();
        await view.state("token");
        assert.equal(await view.page.evaluate(() => sessionStorage.length), 0);
        await view.close();
    },

    "hostile texts stay texts": async () => {
        const view = await open({ width: 360 });
        const long = "x".repeat(3000);
        await fakeDo("snapshot", {
            name: hostile,
            hosts: [{ host: hostile, in_flight: 1, breaker: "closed", failures: 0, opens_ms: 0 }, { host: long, in_flight: 1, breaker: "__proto__", failures: 0, opens_ms: 0 },
                { host: "\u202egnp.elpmaxe", in_flight: "7", breaker: hostile, failures: hostile, opens_ms: hostile }],
            in_flight: [{ id: hostile, host: hostile, attempt: hostile, max_attempts: null, for_ms: "1" }, { id: long, host: long, attempt: 1, max_attempts: 2, for_ms: 1e300 }],
            dead: [{ id: hostile, host: hostile, attempts: 1, status: hostile, error: "</script><script>alert(2)</script>" + hostile, died: 1732693300000 },
                { id: long, host: long, attempts: 1, status: 500, error: long, died: 1e300 }, { id: { a: 1 }, host: ["x"], error: null }, null, 7]
        });
        await view.shows("name", hostile);
        await until("rows", async () => await view.rows("dead").count() === 3);
        assert.match((await view.rows("hosts").locator("td").allTextContents()).join(), /<img src=x onerror=alert\(1\)>/);
        assert.match((await view.rows("dead").allTextContents()).join(), /<\/script><script>alert\(2\)<\/script><img/);
        assert.equal(await view.page.locator("img, #dead script, #hosts script").count(), 0);
        await view.fits();
        await picture(view.page, "hostile");
        // What is no snapshot at all does no harm either.
        await fakeDo("snapshot", { queue: 7, rates: null, totals: "x", latency_ms: [], in_flight: {}, dead: "dead", hosts: null, now: "x", name: 9 });
        await view.shows("q_ready", "–");
        await fakeDo("reset");
        await view.shows("q_ready", "0");
        await view.close();
    },

    "events in small pieces are put together": async () => {
        await fakeDo("ragged", { on: true });
        const view = await open();
        await view.state("live");
        await fakeDo("snapshot", { name: "żółw 🐢 relay", queue: { ready: 4711 } });
        await view.shows("name", "żółw 🐢 relay");
        await view.shows("q_ready", "4,711");
        await view.close();
    },

    "a lost connection is tried again, ever less often": async () => {
        const view = await open({ expected: [refusedLoad] });
        await view.state("live");
        await fakeDo("refuse", { status: 503 });
        await fakeDo("drop");
        await view.state("waiting");
        await view.shows("state", /^Reconnecting/);
        await view.shows("status", "The connection is lost: reconnecting.");
        await view.shows("updated", /the server said 503/);
        assert.match(await view.page.title(), /reconnecting/);
        await view.shows("state", "Reconnecting in 4 s"); // after 0.5, 1 and 2
        await picture(view.page, "reconnecting");
        await fakeDo("refuse", { status: 0 });
        await view.page.getByRole("button", { name: "Reconnect" }).click();
        await view.state("live");
        await view.shows("status", "Live.");
        // And by itself.
        await fakeDo("drop");
        await view.state("waiting");
        await view.state("live");
        assert.equal(await fakeDo("streams"), 1);
        await fakeDo("snapshot", { draining: true });
        await view.state("draining");
        await view.shows("state", "Draining");
        await view.close();
    },

    "a connection that is silent is given up": async () => {
        const view = await open({ clock: true });
        await view.state("live");
        await fakeDo("silent", { on: true });
        await view.page.clock.fastForward(8000);
        assert.equal(await view.text("state"), "Live");
        await view.page.clock.fastForward(4000);
        await view.state("waiting");
        await view.shows("updated", /the server has gone silent/);
        await fakeDo("silent", { on: false });
        await view.state("live");
        await view.close();
    },

    "the filter leaves what matches": async () => {
        const view = await open();
        await fakeDo("busy", { from: 5, to: 5 });
        await until("rows", async () => await view.rows("dead").count() === 12);
        await view.page.getByLabel("Filter").fill("BILLING");
        assert.equal(await view.rows("hosts").count(), 1);
        await view.shows("hosts_count", "1 of 7");
        await view.page.getByLabel("Filter").fill("no such host");
        await view.shows("hosts_empty", "Nothing matches the filter.");
        assert.equal(await view.rows("dead").count(), 2); // by their error
        await view.shows("status", /^Shown: 0 hosts, 0 jobs in flight, 2 dead letters\.$/);
        // It holds for the snapshots that follow.
        await fakeDo("busy", { from: 6, to: 6 });
        await view.shows("q_done", "183,108");
        assert.equal(await view.rows("dead").count(), 2);
        await view.page.getByLabel("Filter").fill("");
        assert.equal(await view.rows("dead").count(), 12);
        await view.close();
    },

    "it fits narrow and wide, light and dark": async () => {
        for (const width of [1280, 768, 360, 320]) {
            for (const scheme of ["light", "dark"]) {
                await fakeDo("reset");
                const view = await open({ width, scheme });
                await view.state("live");
                await view.fits();
                await fakeDo("busy", { from: 0, to: 130 });
                await view.shows("q_done", "197,740");
                await view.fits();
                await picture(view.page, `${width}_${scheme}`);
                await view.close();
            }
        }
    }
};

// ---- Against a relay.

const realCases = {
    "the page is the one beside this test, and what it may do is narrow": async () => {
        const response = await fetch(url);
        assert.equal(response.status, 200);
        assert.match(response.headers.get("content-type"), /^text\/html; *charset=utf-8$/i);
        assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
        assert.equal(await response.text(), await readFile(new URL("index.html", import.meta.url), "utf8"));
    },

    "a job is counted, dies, is retried, and is delivered": async () => {
        let status = 500;
        let deliveries = 0;
        const sink = createServer((request, response) => {
            request.resume().on("end", () => { ++deliveries; response.writeHead(status); response.end(); });
        });
        await new Promise(done => sink.listen(0, "127.0.0.1", done));
        try {
            const view = await open({ expected: options.token ? [refusedLoad] : [] });
            if (options.token) {
                await view.state("token");
                await view.page.locator("#token").fill(options.token);
                await view.page.keyboard.press("Enter");
            }
            await view.state("live");
            await view.shows("q_ready", /^\d/);
            const number = async id => Number((await view.text(id)).replaceAll(",", ""));
            const accepted = await number("t_accepted"), dead = await number("q_dead"), done = await number("q_done");
            const response = await fetch(new URL("jobs", url), {
                method: "POST",
                headers: { "Content-Type": "application/json", ...(options.token && { Authorization: "Bearer " + options.token }) },
                body: options.job.replaceAll("TARGET", `http://127.0.0.1:${sink.address().port}/hook`)
            });
            const answer = await response.text();
            assert.ok(response.ok, `POST /jobs: ${response.status} ${answer}`);
            const { id } = JSON.parse(answer);
            assert.ok(id, answer);
            await until("accepted", async () => await number("t_accepted") === accepted + 1);
            await until("dead", async () => await number("q_dead") === dead + 1);
            const row = view.rows("dead").filter({ hasText: id });
            await until("a row", async () => await row.count() === 1);
            assert.match(await row.textContent(), /500/);
            await view.fits();
            await picture(view.page, "real");
            status = 200;
            await row.getByRole("button").click();
            await until("no row", async () => await row.count() === 0);
            await until("done", async () => await number("q_done") === done + 1);
            await until("not dead", async () => await number("q_dead") === dead);
            assert.equal(deliveries, 2);
            assert.match(await view.rows("hosts").first().textContent(), /127\.0\.0\.1/);
            await view.close();
        } finally {
            sink.close();
            sink.closeAllConnections();
        }
    }
};

let failed = 0;
for (const [name, run] of Object.entries(options.real ? realCases : fakeCases)) {
    try {
        if (!options.real) await fakeDo("reset");
        await run();
        console.log("ok      " + name);
    } catch (error) {
        ++failed;
        console.log("FAILED  " + name + "\n", error);
    }
    for (const context of browser.contexts()) await context.close(); // of a case that failed
}
await browser.close();
fake?.stop();
process.exitCode = failed ? 1 : 0;
