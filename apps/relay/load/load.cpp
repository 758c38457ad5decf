// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "load.hpp"

#include <weft/http.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

namespace relay {

namespace {

namespace http = weft::http;
using namespace std::chrono_literals;

struct shared {
    explicit shared(const load_options& given)
        : o(given),
          client(settings(given)),
          pace(given.rate > 0 ? given.rate : weft::limiter::inf, 64)
    {
    }
    static http::client_options settings(const load_options& o)
    {
        http::client_options c;
        c.max_connections_per_host = c.max_idle_per_host = o.clients;
        c.timeout = 30s;
        return c;
    }

    const load_options o;
    http::client client;
    weft::limiter pace;
    histogram times;
    std::atomic<std::uint64_t> next{0};
    std::mutex mutex;
    load_result result; ///< under mutex
};

std::string job_for(const shared& s, std::uint64_t n)
{
    const auto t = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    std::string body = std::to_string(t.count()) + ' ';
    body.resize(std::max(body.size(), s.o.body_bytes), 'x');
    return R"({"target":")" + s.o.targets[n % s.o.targets.size()] + R"(","body":")" + body + "\"}";
}

/// The text behind "id": in the answer.
std::string id_in(const std::string& answer)
{
    const std::string before = R"("id":")";
    const std::size_t at = answer.find(before);
    if (at == std::string::npos) return {};
    return answer.substr(at + before.size(),
                         answer.find('"', at + before.size()) - at - before.size());
}

weft::task<> give(shared* s, weft::context ctx)
{
    std::vector<std::string> ids;
    std::uint64_t refused = 0, unanswered = 0;
    bool again = true;
    while (again) {
        const std::uint64_t n = s->next++;
        if (s->o.most != 0 && n >= s->o.most) break;
        bool pause = false;
        try {
            co_await s->pace.wait(ctx);
        } catch (const weft::error&) { // the time is over, or would be
            break;
        }
        try {
            const weft::time_point begin = weft::clock::now();
            // Not with ctx: what has been sent is waited for.
            http::client_response r = co_await s->client.post(
                weft::background(), s->o.server + "/jobs", job_for(*s, n), "application/json");
            std::string answer = co_await r.text();
            if (r.status() == http::status::accepted) {
                s->times.add(weft::clock::now() - begin);
                ids.push_back(id_in(answer));
            } else {
                ++refused;
                pause = true;
            }
        } catch (const std::exception&) {
            ++unanswered;
            pause = true;
        }
        if (pause) co_await weft::select{weft::after(20ms), ctx.done()};
        again = !ctx.err();
    }
    const std::lock_guard lock(s->mutex);
    load_result& to = s->result;
    to.ids.insert(to.ids.end(), std::make_move_iterator(ids.begin()),
                  std::make_move_iterator(ids.end()));
    to.refused += refused;
    to.unanswered += unanswered;
}

} // namespace

weft::task<load_result> give_jobs(weft::context ctx, load_options o)
{
    shared s(o);
    const auto limit = weft::with_timeout(ctx, o.time);
    const weft::time_point begin = weft::clock::now();
    weft::wait_group all;
    for (std::size_t i = 0; i < o.clients; ++i) all.go(give, &s, limit.ctx);
    co_await all.wait();
    s.result.seconds = std::chrono::duration<double>(weft::clock::now() - begin).count();
    s.result.times = s.times.read();
    co_return std::move(s.result);
}

} // namespace relay
