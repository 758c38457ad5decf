// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The live page of debug::handler(), in a browser, on a program with many goroutines.
//   node debug_page_test.mjs DEBUG-SAMPLE [--goroutines N] [--most MS] [--screenshots DIR] [--browser PATH]
// --most: what a look and a keystroke may take; without, they are only told. For a release build, on a quiet machine.
// playwright-core is looked for from the current directory upwards, and in NODE_PATH.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { withPatience } from "./watched.mjs";

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        goroutines: { type: "string", default: "100000" },
        most: { type: "string", default: "60000" },
        screenshots: { type: "string" },
        browser: { type: "string", default: "/usr/bin/chromium" }
    }
});
const { chromium } = createRequire(path.join(process.cwd(), "here.js"))("playwright-core");
const { until, watchedPage } = withPatience(20000);
const goroutines = Number(options.goroutines);
const hostile = "<img src=x onerror=alert(1)>";

// ---- What the cases use.

function startSample() {
    const child = spawn(positionals[0], [options.goroutines], { stdio: ["ignore", "pipe", "ignore"] });
    return new Promise((resolve, reject) => {
        let text = "";
        child.stdout.on("data", piece => {
            text += piece;
            const found = text.match(/http:\/\/127\.0\.0\.1:\d+/);
            if (found) resolve({ child, url: found[0] });
        });
        child.on("exit", () => reject(new Error("the sample ended: " + text)));
    });
}

const sample = await startSample();
const browser = await chromium.launch({ executablePath: options.browser, args: ["--no-sandbox"] });

/// A page, opened; what it asks for and logs is watched.
async function open({ width = 1280, height = 900, scheme = "light", expected = [] } = {}) {
    const watched = await watchedPage(browser, { width, height, scheme, expected, origin: sample.url, inside: ["data:", "blob:"] });
    const page = watched.page;
    await page.goto(sample.url + "/debug/");
    const text = id => page.locator("#" + id).textContent();
    const rows = page.locator("#goroutines details");
    return {
        page, text, rows,
        live: () => until("live", async () => await page.locator("#state").getAttribute("data-state") === "live" && await rows.count() > 0),
        shows: (id, wanted) => until(`#${id} is ${wanted}`, async () => wanted.test(await text(id))),
        fits: () => watched.fits(".scroller:visible"),
        close: watched.close
    };
}
async function picture(page, name) {
    if (options.screenshots) await page.screenshot({ path: path.join(options.screenshots, name + ".png"), fullPage: true });
}
const middle = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1];

const cases = {
    "it shows the program, and goes on": async () => {
        const view = await open();
        await view.live();
        const count = Number((await view.text("n_goroutines")).replaceAll(",", ""));
        assert.ok(count > goroutines * .9, `${count} goroutines`);
        await view.shows("goroutines_note", /goroutines in \d+ groups/);
        assert.ok(await view.rows.count() < 50);
        await until("workers", async () => /^\d/.test(await view.page.locator("#workers tbody tr:first-child td:nth-child(3)").textContent()));
        const names = await view.page.locator("#channels tbody tr td:first-child").allTextContents();
        assert.deepEqual(names.sort(), [hostile, "jobs"]);
        await view.shows("findings", /ran for \d+ ms without letting others run|has run for/);
        await view.shows("latency_note", /One wake-up in 16 is measured/);
        const before = await view.page.evaluate(() => performance.getEntriesByName("state").length);
        await until("another look", async () => await view.page.evaluate(() => performance.getEntriesByName("state").length) > before + 2);
        await view.page.click("#pause");
        await view.page.waitForTimeout(1500);
        const paused = await view.page.evaluate(() => performance.getEntriesByName("state").length);
        await view.page.waitForTimeout(2500);
        assert.equal(await view.page.evaluate(() => performance.getEntriesByName("state").length), paused);
        await view.close();
    },

    "names and labels are text, whatever is in them": async () => {
        const view = await open();
        await view.live();
        await view.page.click("#as_single");
        await view.page.fill("#filter", "onerror hostile_waiter");
        await view.shows("goroutines_note", /^1 of /);
        assert.ok((await view.rows.first().textContent()).includes(hostile));
        await view.page.click("#as_groups");
        await view.page.fill("#filter", "route=<img");
        await until("the label", async () => (await view.rows.first().textContent()).includes("route=" + hostile));
        await view.rows.first().locator("summary").click();
        assert.equal(await view.page.locator("img").count(), 0);
        // The channel of that name is in the table, too.
        assert.ok((await view.page.locator("#channels").textContent()).includes(hostile));
        await view.close();
    },

    "goroutines are found, turned page by page, and looked into": async () => {
        const view = await open();
        await view.live();
        await view.page.click("#as_single");
        await until("single ones", async () => await view.rows.count() === 100);
        assert.match(await view.text("where"), /^1 to 100 of /);
        await view.page.click("#after");
        await view.shows("where", /^101 to 200 of /);
        await view.page.click("#before");
        await view.shows("where", /^1 to 100 of /);
        assert.ok(await view.page.locator("#before").isDisabled());
        await view.page.fill("#filter", "ROUTE=/users waiter");
        await view.shows("goroutines_note", new RegExp("^" + Math.floor(goroutines / 3).toLocaleString("en") + " of "));
        await view.rows.first().locator("summary").press("Enter");
        await until("its stack", async () => /debug_sample\.cpp:\d+/.test(await view.rows.first().locator(".stack").textContent()));
        await view.page.waitForTimeout(3000); // a look later it is open still
        assert.ok(await view.rows.first().evaluate(e => e.open));
        await view.page.fill("#filter", "no such thing");
        await view.shows("where", /^nothing$/);
        await view.close();
    },

    "flame graphs are drawn, and walked through with the keyboard": async () => {
        const view = await open();
        await view.live();
        await view.page.selectOption("#seconds", "1");
        await view.page.click("[data-flame=profile]");
        await view.shows("profile_note", /in all: processor time, in 1 s/);
        const frames = view.page.locator("#flame button");
        assert.ok(await frames.count() > 3);
        assert.ok(await frames.count() <= 400);
        await view.page.fill("#flame_find", "work");
        await view.shows("flame_found", /^[1-9][\d.]* % of all$/);
        await picture(view.page, "flame_processor");
        await view.page.fill("#flame_find", "");
        await frames.first().focus();
        await view.page.keyboard.press("ArrowDown");
        const child = await view.text("flame_detail");
        assert.notEqual(child, "");
        await view.page.keyboard.press("Enter");
        await until("closer", async () => !await view.page.locator("#flame_back").isDisabled());
        assert.equal(await view.text("flame_detail"), child);
        await view.page.keyboard.press("Escape");
        await until("the whole", async () => view.page.locator("#flame_back").isDisabled());

        await view.page.click("[data-flame=block]");
        await view.shows("profile_note", /in all: time that goroutines waited, in 1 s/);
        assert.ok((await frames.allTextContents()).some(t => t.includes("producer") || t.includes("consumer")));
        await view.shows("waits_note", /since the block profile was turned on/);
        await picture(view.page, "flame_waits");
        await view.page.click("[data-flame=goroutine]");
        await view.shows("profile_note", /in all: goroutines now/);
        await view.close();
    },

    "profile and trace come as files; a second trace is refused in words": async () => {
        const view = await open({ expected: [/Failed to load resource/] });
        await view.live();
        await view.page.selectOption("#seconds", "1");
        let coming = view.page.waitForEvent("download");
        await view.page.click("[data-file=trace]");
        const trace = JSON.parse(await readFile(await (await coming).path(), "utf8"));
        assert.ok(trace.traceEvents.length > 100);
        coming = view.page.waitForEvent("download");
        await until("ready", async () => view.page.locator("[data-file='pprof/profile']").isEnabled());
        await view.page.click("[data-file='pprof/profile']");
        assert.ok((await readFile(await (await coming).path())).length > 100);
        await until("ready", async () => view.page.locator("[data-file=trace]").isEnabled());
        const other = fetch(sample.url + "/debug/trace?seconds=3");
        await new Promise(done => setTimeout(done, 300));
        await view.page.click("[data-file=trace]");
        await view.shows("profile_note", /It did not work: Could not enable tracing: tracing is already enabled/);
        assert.equal((await other).status, 200);
        await view.close();
    },

    "with all these goroutines it stays quick": async () => {
        const view = await open();
        await view.live();
        await view.page.waitForTimeout(6000);
        // In the page: what a look costs the page itself, and what a keystroke takes until its rows are there.
        const looks = await view.page.evaluate(() => Object.fromEntries(["state", "goroutines"].map(n => [n, performance.getEntriesByName(n).map(e => e.duration)])));
        const polls = await view.page.evaluate(() => performance.getEntriesByType("resource").filter(e => /state\.json|goroutines\.json/.test(e.name)).map(e => [e.name.match(/(\w+)\.json/)[1], e.duration]));
        await view.page.click("#pause"); // so that no look is under way when a key is pressed
        await view.page.waitForTimeout(1000);
        const keys = [];
        for (const grouped of [true, false]) {
            await view.page.click(grouped ? "#as_groups" : "#as_single");
            await view.page.waitForTimeout(1000);
            await view.page.focus("#filter");
            for (const key of "users") {
                await view.page.evaluate(() => {
                    performance.clearMeasures("goroutines");
                    window.pressed = performance.now();
                });
                await view.page.keyboard.press(key);
                await until("its answer", async () => await view.page.evaluate(() => performance.getEntriesByName("goroutines").length > 0));
                keys.push(await view.page.evaluate(() => { const e = performance.getEntriesByName("goroutines")[0]; return e.startTime + e.duration - window.pressed; }));
                assert.ok(await view.rows.count() <= 100);
            }
            await view.page.fill("#filter", "");
            await view.page.waitForTimeout(1000);
        }
        const say = (what, all) => console.log(`    ${what}: median ${middle(all).toFixed(1)} ms, most ${Math.max(...all).toFixed(1)} ms of ${all.length}`);
        say("page's own work for state.json", looks.state);
        say("page's own work for goroutines.json", looks.goroutines);
        for (const name of ["state", "goroutines"]) say("answer of " + name + ".json", polls.filter(p => p[0] === name).map(p => p[1]));
        say("a keystroke in the filter until its rows are there", keys);
        const most = Number(options.most);
        assert.ok(middle(looks.state) < most && middle(looks.goroutines) < most);
        for (const name of ["state", "goroutines"]) assert.ok(middle(polls.filter(p => p[0] === name).map(p => p[1])) < most, name + ".json");
        assert.ok(middle(keys) < most, "keystrokes");
        assert.ok(await view.page.evaluate(() => document.querySelectorAll("*").length) < 3000);
        await view.close();
    },

    "it fits, wide and narrow, light and dark": async () => {
        for (const width of [1280, 360]) for (const scheme of ["light", "dark"]) {
            const view = await open({ width, scheme });
            await view.live();
            await view.page.click("[data-flame=goroutine]");
            await view.shows("profile_note", /goroutines now/);
            await view.rows.first().locator("summary").click();
            await view.page.waitForTimeout(2500);
            await view.fits();
            await picture(view.page, `${width}_${scheme}`);
            await view.close();
        }
    },

    "what can be done can be reached by the keyboard": async () => {
        const view = await open();
        await view.live();
        await view.page.click("#pause");
        const reached = new Set();
        await view.page.evaluate(() => document.activeElement.blur());
        for (let i = 0; i < 80; ++i) {
            await view.page.keyboard.press("Tab");
            reached.add(await view.page.evaluate(() => document.activeElement.id || document.activeElement.dataset.flame || document.activeElement.dataset.file || document.activeElement.tagName));
        }
        for (const wanted of ["latency_go", "seconds", "profile", "block", "mutex", "goroutine", "pprof/profile", "trace", "as_groups", "as_single", "filter", "SUMMARY"])
            assert.ok(reached.has(wanted), wanted + " is out of reach");
        await view.close();
    },

    "a program that has gone is told of": async () => {
        const view = await open({ expected: [/Failed to load resource/] });
        await view.live();
        sample.child.removeAllListeners("exit");
        sample.child.kill("SIGTERM");
        await view.shows("state", /no answer/);
        await view.close();
    }
};

let failed = 0;
try {
    for (const [name, run] of Object.entries(cases)) {
        try {
            await run();
            console.log("ok    " + name);
        } catch (error) {
            ++failed;
            console.log("FAIL  " + name + "\n" + (error.stack ?? error) + (error.cause ? "\ncause: " + error.cause : ""));
        }
    }
} finally {
    await browser.close();
    sample.child.removeAllListeners("exit");
    sample.child.kill("SIGKILL");
}
process.exit(failed ? 1 : 0);
