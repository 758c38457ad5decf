// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "program.hpp"

#include <weft/testing/bubble.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace weft_fuzz {

using namespace std::chrono_literals;
using weft::channel;
using weft::task;

// ---------------------------------------------------------------- reading

program read_program(std::span<const std::uint8_t> bytes)
{
    constexpr std::size_t most_steps = 64, most_goroutines = 6;
    program p;
    std::size_t at = 0;
    const auto next = [&] { return at < bytes.size() ? bytes[at++] : std::uint8_t{0}; };
    for (int i = next() % 4; i >= 0; --i) p.capacities.push_back(next() % 4);
    p.goroutines.resize(next() % most_goroutines + 1);
    for (std::size_t n = 0; at < bytes.size() && n < most_steps; ++n) {
        const std::uint8_t who = next(), what = next(), where = next();
        const auto channels = static_cast<unsigned>(p.capacities.size());
        p.goroutines[who % p.goroutines.size()].push_back(
            {static_cast<action>(what % (static_cast<unsigned>(action::last) + 1)),
             static_cast<std::uint8_t>((where & 15) % channels),
             static_cast<std::uint8_t>((where >> 4) % channels),
             static_cast<std::uint8_t>(who >> 5)});
    }
    return p;
}

std::string program::text() const
{
    static constexpr const char* names[] = {
        "send",     "receive",  "try_send", "try_receive", "close",         "yield",     "sleep",
        "select<<", "select><", "select>>", "select<t",    "receive_until", "send_until"};
    std::string out = "channels";
    for (const std::size_t c : capacities) out += ' ' + std::to_string(c);
    for (std::size_t g = 0; g < goroutines.size(); ++g) {
        out += "\n" + std::to_string(g) + ":";
        for (const step& s : goroutines[g]) {
            out += std::string(" ") + names[static_cast<unsigned>(s.what)] + '(' +
                   std::to_string(s.a) + ',' + std::to_string(s.b) + ',' + std::to_string(s.n) +
                   ')';
        }
    }
    return out + '\n';
}

// ---------------------------------------------------------------- running

namespace {

void must(bool holds, const std::string& what)
{
    if (!holds) throw std::runtime_error(what);
}

/// What a goroutine waits for.
struct end_of_channel {
    unsigned at;
    bool sends;
};

class run_of {
public:
    explicit run_of(const program& p) : program_(p), waits_(p.goroutines.size()) {}

    task<> main()
    {
        for (const std::size_t c : program_.capacities) {
            channels_.push_back(weft::make_channel<int>(c));
        }
        for (unsigned g = 0; g < program_.goroutines.size(); ++g) {
            weft::go([this, g] { return goroutine(g); });
        }
        co_await weft::sleep(1h);
        co_await weft::testing::settle();
        check_stuck();
        check_values();
    }

    [[nodiscard]] std::size_t stuck() const
    {
        return static_cast<std::size_t>(
            std::count_if(waits_.begin(), waits_.end(), [](const auto& w) { return !w.empty(); }));
    }

private:
    task<> goroutine(unsigned self)
    {
        int next = static_cast<int>(self) * 1000;
        for (const step& s : program_.goroutines[self]) {
            try {
                co_await perform(self, s, next);
            } catch (const weft::misuse_error&) {
                // "send on closed channel", "close of closed channel": what Go would panic on
            }
            waits_[self].clear();
        }
    }

    /// `next` is the value a send sends, and is used up by it.
    task<> perform(unsigned self, step s, int& next)
    {
        const channel<int> a = channels_[s.a], b = channels_[s.b];
        auto& waits = waits_[self];
        const auto timeout = std::chrono::milliseconds(s.n);
        switch (s.what) {
        case action::send:
            waits = {{s.a, true}};
            co_await a.send(next);
            sent(s.a, next++);
            break;
        case action::receive:
            waits = {{s.a, false}};
            received(self, s.a, co_await a.receive());
            break;
        case action::try_send:
            if (a.try_send(next)) sent(s.a, next++);
            break;
        case action::try_receive: received(self, s.a, a.try_receive()); break;
        case action::close:
            a.close();
            closed_.insert(s.a);
            break;
        case action::yield: co_await weft::this_goroutine::yield(); break;
        case action::sleep: co_await weft::sleep(timeout); break;
        case action::select_receive_receive: {
            waits = {{s.a, false}, {s.b, false}};
            auto r = co_await weft::select{a.receive(), b.receive()};
            if (r.index() == 0) received(self, s.a, r.get<0>());
            else received(self, s.b, r.get<1>());
            break;
        }
        case action::select_send_receive: {
            waits = {{s.a, true}, {s.b, false}};
            auto r = co_await weft::select{a.send(next), b.receive()};
            if (r.index() == 0) {
                r.get<0>();
                sent(s.a, next++);
            } else {
                received(self, s.b, r.get<1>());
            }
            break;
        }
        case action::select_send_send: {
            waits = {{s.a, true}, {s.b, true}};
            auto r = co_await weft::select{a.send(next), b.send(next)};
            if (r.index() == 0) r.get<0>();
            else r.get<1>();
            sent(r.index() == 0 ? s.a : s.b, next++);
            break;
        }
        case action::select_receive_timeout: {
            auto r = co_await weft::select{a.receive(), weft::after(timeout)};
            if (r.index() == 0) received(self, s.a, r.get<0>());
            break;
        }
        case action::receive_until: {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), timeout);
            try {
                received(self, s.a, co_await a.receive(ctx));
            } catch (const weft::error&) { // it ended first
            }
            break;
        }
        case action::send_until: {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), timeout);
            try {
                co_await a.send(ctx, next);
                sent(s.a, next++);
            } catch (const weft::error&) {
            }
            break;
        }
        }
    }

    void sent(unsigned at, int v) { sent_.insert({at, v}); }

    void received(unsigned self, unsigned at, const std::optional<int>& v)
    {
        if (!v) return;
        must(received_.insert({at, *v}).second, "a value arrived twice");
        int& latest = latest_[{self, at, static_cast<unsigned>(*v / 1000)}];
        must(latest <= *v, "the values of a sender changed places");
        latest = *v;
    }

    void check_stuck() const
    {
        for (unsigned g = 0; g < waits_.size(); ++g) {
            for (const end_of_channel e : waits_[g]) {
                const channel<int>& c = channels_[e.at];
                const std::string who = "goroutine " + std::to_string(g);
                must(!closed_.contains(e.at), who + " waits for a closed channel");
                must(c.size() == (e.sends ? c.capacity() : 0),
                     who + " waits, though it could go on");
                for (unsigned other = 0; other < waits_.size(); ++other) {
                    if (other == g) continue;
                    for (const end_of_channel o : waits_[other]) {
                        must(o.at != e.at || o.sends == e.sends,
                             who + " and another one do not meet");
                    }
                }
            }
        }
    }

    void check_values()
    {
        auto left = sent_;
        for (const auto& r : received_) must(left.erase(r) == 1, "a value was not sent");
        for (unsigned at = 0; at < channels_.size(); ++at) {
            // Who is stuck at a send is let in by this; so only as many as there were.
            for (std::size_t n = channels_[at].size(); n > 0; --n) {
                const auto v = channels_[at].try_receive();
                must(v && left.erase({at, *v}) == 1, "a buffer holds what was not sent");
            }
        }
        must(left.empty(), "a value was lost");
    }

    const program& program_;
    std::vector<channel<int>> channels_;
    std::vector<std::vector<end_of_channel>> waits_;
    std::set<unsigned> closed_;
    std::set<std::pair<unsigned, int>> sent_, received_;
    std::map<std::tuple<unsigned, unsigned, unsigned>, int> latest_;
};

} // namespace

void run_program(const program& p, std::uint64_t seed)
{
    run_of run(p);
    std::size_t stuck = 0;
    try {
        weft::testing::bubble(
            [&]() -> task<> {
                co_await run.main();
                stuck = run.stuck();
            },
            {.seed = seed});
        // Those who were stuck at a send may have been let in at the end.
    } catch (const weft::testing::failure& f) {
        must(f.kind() == weft::testing::failure_kind::leak && stuck != 0, f.what());
    }
}

} // namespace weft_fuzz
