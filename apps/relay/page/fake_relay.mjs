// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A server that looks like relay to the page: GET /, GET /events, POST /jobs/{id}/retry. What it tells is scripted.
//   node fake_relay.mjs [--port N] [--token T]     with snapshots that move, to look at
//   node fake_relay.mjs [--port N] --still         for the test, which steers it by POST /fake/...: see `steer`

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const page = new URL("index.html", import.meta.url);

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const start = 1732693354000;

/// A relay that has just been started.
export function emptySnapshot() {
    return {
        now: start, name: "relay",
        queue: { ready: 0, delayed: 0, in_flight: 0, done: 0, dead: 0, oldest_ready_ms: 0 },
        rates: { accepted: 0, delivered: 0, failed: 0 },
        totals: { accepted: 0, delivered: 0, failed_attempts: 0, retries: 0, buried: 0 },
        latency_ms: { p50: 0, p90: 0, p99: 0 },
        in_flight: [], dead: [], hosts: [], draining: false
    };
}

/// The same for the same second: a relay that works.
export function busySnapshot(second) {
    const wave = (period, phase) => Math.sin(2 * Math.PI * second / period + phase);
    const noise = salt => { const x = Math.sin(second * 12.9898 + salt * 78.233) * 43758.5453; return x - Math.floor(x); };
    const accepted = Math.max(0, 118 + 26 * wave(70, 0) + 10 * wave(13, 1) + 12 * (noise(1) - 0.5));
    const trouble = Math.max(0, wave(90, 2));
    const delivered = Math.max(0, accepted - 22 * trouble + 8 * (noise(2) - 0.5));
    const failed = 0.4 + 14 * trouble * noise(3);
    const hosts = ["api.shop.example", "hooks.example.com", "billing.internal.example:8443", "a.example", "crm.example.net",
        "notifications.eu-west-1.customers.example.org", "[2001:db8::17]:8080"];
    const errors = [[500, "the server said 500"], [0, "connection refused"], [404, "the server said 404: no such hook"],
        [0, "the name could not be resolved: no such host is known"], [503, "the server said 503"], [0, "timed out after 30 s"]];
    const now = start + 1000 * second;
    return {
        now, name: "relay",
        queue: { ready: Math.round(40 + 30 * trouble + 9 * noise(4)), delayed: 3 + Math.round(12 * trouble), in_flight: 9 + Math.round(4 * noise(5)),
            done: 182400 + 118 * second, dead: 12, oldest_ready_ms: Math.round(250 + 900 * trouble) },
        rates: { accepted, delivered, failed },
        totals: { accepted: 182600 + 118 * second, delivered: 182400 + 118 * second, failed_attempts: 1210 + 2 * second, retries: 1198 + 2 * second, buried: 12 },
        latency_ms: { p50: 4 + noise(6), p90: 9 + 4 * noise(7), p99: 31 + 60 * trouble },
        in_flight: Array.from({ length: 9 }, (_, i) => ({
            id: "k3f9x2mq-" + (1200 + i * 7), host: hosts[i % hosts.length], attempt: 1 + (i * 5) % 4, max_attempts: 10, for_ms: 140 + i * i * 190 + 1000 * i
        })),
        dead: Array.from({ length: 12 }, (_, i) => ({
            id: "k3f9x2mq-" + (900 - i * 13), host: hosts[(i * 3) % hosts.length], attempts: 10, status: errors[i % errors.length][0],
            error: errors[i % errors.length][1], died: start - 20000 - i * i * 431000
        })),
        hosts: hosts.map((host, i) => ({
            host, in_flight: [3, 2, 0, 1, 2, 1, 0][i], breaker: ["closed", "closed", "open", "closed", "half_open", "closed", "closed"][i],
            failures: [0, 0, 14, 0, 5, 1, 0][i], opens_ms: i === 2 ? 24000 - second % 24 * 1000 : 0
        })),
        draining: false
    };
}

export async function startFake({ port = 0, token = "" } = {}) {
    let snapshot = emptySnapshot();
    let refusing = 0;     // the status that GET /events gets instead
    let retryStatus = 0;  // the status that retries get instead
    let silent = false;   // no event is sent
    let ragged = false;   // events come in small pieces, with what else a stream may have
    const streams = new Set();
    const log = [];       // what was asked: "GET /events", ...

    function eventText() {
        const line = JSON.stringify(snapshot);
        return ragged
            ? `: a comment\r\n\r\nevent: other\r\ndata: {"now":1}\r\n\r\nid: 7\r\nevent:snapshot\r\nretry: 10\r\ndata:${line}\r\n\r\ndata: {}\r\n\r\n`
            : `event: snapshot\ndata: ${line}\n\n`;
    }
    async function send(response) {
        if (silent) return;
        const bytes = Buffer.from(eventText());
        if (!ragged) {
            response.write(bytes);
            return;
        }
        // Cut where it hurts: within a letter, and between CR and LF.
        for (let from = 0, to = 1; to <= bytes.length && !response.destroyed; ++to) {
            if (to < bytes.length && bytes[to - 1] < 0xc0 && bytes[to - 1] !== 13) continue;
            response.write(bytes.subarray(from, to));
            from = to;
            await new Promise(done => setTimeout(done, 5));
        }
    }
    let sent = Promise.resolve(); // one event after the other
    const inTurn = what => sent = sent.then(what);
    const publish = () => inTurn(() => Promise.all([...streams].map(send)));
    const ticker = setInterval(publish, 1000);

    /// Steers it; the body, if any, is JSON.
    const steer = {
        snapshot: async body => { snapshot = { ...snapshot, ...body }; await publish(); },    // replaces these members
        reset: async () => {
            snapshot = emptySnapshot();
            token = "";
            refusing = retryStatus = 0;
            silent = ragged = false;
            await publish();
        },
        busy: async ({ from = 0, to }) => { for (let s = from; s <= to; ++s) { snapshot = busySnapshot(s); await publish(); } },
        drop: () => { for (const response of streams) response.destroy(); },                    // the connections break
        refuse: ({ status }) => { refusing = status; },
        retry_status: ({ status }) => { retryStatus = status; },
        silent: ({ on }) => { silent = on; },
        ragged: ({ on }) => { ragged = on; },
        token: body => { token = body.token; },
        log: () => log,
        streams: () => streams.size
    };

    const server = createServer(async (request, response) => {
        const answer = (status, body, headers = {}) => {
            response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
            response.end(JSON.stringify(body ?? null));
        };
        const path = new URL(request.url, "http://relay").pathname;
        const parts = path.split("/").slice(1);
        if (request.method === "POST" && parts[0] === "fake" && Object.hasOwn(steer, parts[1])) {
            let text = "";
            for await (const piece of request) text += piece;
            answer(200, await steer[parts[1]](text ? JSON.parse(text) : {}));
            return;
        }
        log.push(request.method + " " + path);
        if (request.method === "GET" && path === "/") {
            response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff" });
            response.end(await readFile(page));
        } else if (token && request.headers.authorization !== "Bearer " + token) {
            answer(401, { error: "a token is needed" }, { "WWW-Authenticate": "Bearer" });
        } else if (request.method === "GET" && path === "/events") {
            if (refusing) {
                answer(refusing, { error: "refused" });
                return;
            }
            response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
            response.flushHeaders();
            response.on("close", () => streams.delete(response));
            streams.add(response);
            await inTurn(() => send(response));
        } else if (request.method === "POST" && parts.length === 3 && parts[0] === "jobs" && parts[2] === "retry") {
            const id = decodeURIComponent(parts[1]);
            if (retryStatus) answer(retryStatus, { error: "<b>not</b> now" });
            else if (snapshot.dead.some(job => job.id === id)) {
                // The snapshot keeps it: the page must let it go without being told.
                answer(200, { id, state: "ready" });
            } else answer(404, { error: "no dead job has this id" });
        } else answer(404, { error: "there is nothing here" });
    });
    await new Promise((done, failed) => server.on("error", failed).listen(port, "127.0.0.1", done));
    return {
        url: `http://127.0.0.1:${server.address().port}/`,
        steer,
        stop: () => { clearInterval(ticker); server.close(); server.closeAllConnections(); }
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const { values } = parseArgs({
        options: { port: { type: "string", default: "8085" }, token: { type: "string", default: "" }, still: { type: "boolean", default: false } }
    });
    const fake = await startFake({ port: Number(values.port), token: values.token });
    console.log(fake.url);
    for (let second = 0; !values.still; ++second) {
        await fake.steer.busy({ from: second, to: second });
        await new Promise(done => setTimeout(done, 1000));
    }
}
