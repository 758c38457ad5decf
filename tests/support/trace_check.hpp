// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Reads a trace as its viewers do, and checks what must hold of each.
namespace weft_test {

class read_trace {
public:
    using json = nlohmann::json;
    using track = std::pair<std::uint64_t, std::uint64_t>;

    struct span {
        std::string name;
        double begin, end;
        json args, end_args;
    };

    explicit read_trace(const std::string& text) : all(json::parse(text))
    {
        std::map<track, std::vector<span>> open;
        std::map<std::pair<std::string, std::string>, std::vector<std::string>> async;
        std::map<std::uint64_t, std::vector<json>> flows;
        std::map<track, double> latest;
        std::uint64_t wrong = 0; // one check for all, so that a large trace is read quickly
        for (const json& e : all.at("traceEvents")) {
            const std::string ph = e.at("ph"), name = e.at("name");
            const track t{e.at("pid"), e.at("tid")};
            if (ph == "M") {
                if (name == "thread_name") names[t] = e.at("args").at("name");
                continue;
            }
            const double ts = e.at("ts");
            wrong += ts < 0;
            if (ph == "B" || ph == "E") {
                wrong += ts < latest[t];
                latest[t] = ts;
            }
            if (ph == "B") {
                wrong += t.first % 2 == 1 && t.first > 1 &&
                         !open[t].empty(); // a goroutine does one thing
                open[t].push_back({name, ts, ts, e.value("args", json()), json()});
            } else if (ph == "E") {
                if (open[t].empty() || open[t].back().name != name) {
                    if (++wrong < 5)
                        MESSAGE(e.dump(), " closes ",
                                open[t].empty() ? "nothing" : open[t].back().name);
                    continue;
                }
                span s = open[t].back();
                open[t].pop_back();
                s.end = ts;
                s.end_args = e.value("args", json());
                spans[t].push_back(std::move(s));
            } else if (ph == "s" || ph == "f") {
                flows[e.at("id")].push_back(e);
            } else if (ph == "b") {
                async[{e.at("cat"), e.at("id")}].push_back(name);
                ++begun[name];
            } else if (ph == "e") {
                auto& stack = async[{e.at("cat"), e.at("id")}];
                if (stack.empty() || stack.back() != name) {
                    if (++wrong < 5)
                        MESSAGE(e.dump(), " closes ", stack.empty() ? "nothing" : stack.back());
                } else stack.pop_back();
            } else if (ph == "i") {
                ++instants[name];
            } else {
                ++wrong;
            }
        }
        CHECK(wrong == 0);
        for (const auto& [t, stack] : open) wrong += stack.size();
        for (const auto& [key, stack] : async) wrong += stack.size();
        CHECK(wrong == 0);
        std::uint64_t loose = 0, backward = 0, dangling = 0;
        for (const auto& [id, ends] : flows) {
            if (ends.size() != 2 || ends[0].at("ph") != "s" || ends[1].at("ph") != "f") {
                ++loose;
                continue;
            }
            backward += ends[0].at("ts") > ends[1].at("ts");
            dangling += !is_inside(ends[0]) + !is_inside(ends[1]);
        }
        CHECK(loose == 0);
        CHECK(backward == 0);
        CHECK(dangling == 0);
        arrows = flows.size();
        lost = all.at("otherData").at("lost");
    }

    /// The spans of the goroutine that is called so.
    [[nodiscard]] std::vector<span> of(const std::string& name) const
    {
        for (const auto& [t, n] : names) {
            if (t.first % 2 == 1 && n.find('"' + name + '"') != n.npos) {
                const auto found = spans.find(t);
                return found == spans.end() ? std::vector<span>() : found->second;
            }
        }
        return {};
    }
    [[nodiscard]] std::size_t count(const std::function<bool(const json&)>& is) const
    {
        std::size_t n = 0;
        for (const json& e : all.at("traceEvents")) n += is(e);
        return n;
    }

    json all;
    std::map<track, std::string> names;
    std::map<track, std::vector<span>> spans; ///< in the order in which they end
    std::map<std::string, std::size_t> begun, instants;
    std::size_t arrows = 0;
    std::uint64_t lost = 0;

private:
    bool is_inside(const json& e) const
    {
        const auto found = spans.find({e.at("pid"), e.at("tid")});
        if (found == spans.end()) return false;
        const double ts = e.at("ts");
        const auto& s = found->second; // the ends are in order
        auto at = std::lower_bound(s.begin(), s.end(), ts,
                                   [](const span& x, double t) { return x.end < t; });
        for (int deep = 0; at != s.end() && deep < 64; ++at, ++deep) {
            if (at->begin <= ts) return true;
        }
        return false;
    }
};

} // namespace weft_test
