// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What the tests of pages share.

import assert from "node:assert/strict";

/// Both give up on what has not come after so many ms.
export function withPatience(patience) {
    async function until(what, check) {
        const end = Date.now() + patience;
        let last = null;
        for (;;) {
            try {
                if (await check()) return;
                last = null;
            } catch (error) {
                last = error;
            }
            if (Date.now() > end) throw new Error("never came: " + what, { cause: last });
            await new Promise(done => setTimeout(done, 25));
        }
    }

    /// A page, not at any address yet; what it logs, throws and asks for is watched. `close` tells.
    async function watchedPage(browser, { width, height, scheme, expected, origin, inside = ["data:"] }) {
        const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
        const page = await context.newPage();
        page.setDefaultTimeout(patience);
        const complaints = [];
        const complain = text => { if (!expected.some(pattern => pattern.test(text))) complaints.push(text); };
        page.on("console", message => { if (["error", "warning"].includes(message.type())) complain("console: " + message.text()); });
        page.on("pageerror", error => complain("exception: " + error));
        page.on("dialog", dialog => { complain("dialog: " + dialog.message()); dialog.dismiss(); });
        page.on("request", request => {
            const asked = new URL(request.url());
            if (!inside.includes(asked.protocol) && asked.origin !== origin) complain("left the origin: " + asked.href);
        });
        return {
            page,
            /// Neither the page nor a list that `lists` finds scrolls sideways.
            fits: async lists => {
                const [is, may] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
                assert.ok(is <= may, `the page is ${is} px wide in a window of ${may}`);
                const wide = await page.locator(lists).evaluateAll(all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.getAttribute("aria-labelledby")));
                assert.deepEqual(wide, [], "lists that scroll sideways");
            },
            close: async () => {
                await context.close();
                assert.deepEqual(complaints, []);
            }
        };
    }

    return { until, watchedPage };
}
