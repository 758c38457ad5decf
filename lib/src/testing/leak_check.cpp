// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/leak_check.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/error.hpp>
#include <weft/sleep.hpp>
#include <weft/this_goroutine.hpp>

#include <algorithm>
#include <iostream>
#include <sstream>
#include <thread>
#include <utility>

namespace weft::inline v0_1::testing {

using debug::goroutine_info;

namespace {

bool matches(const std::source_location& f, const std::string& part)
{
    return std::string_view(f.function_name()).find(part) != std::string_view::npos ||
           (std::string(f.file_name()) + ':' + std::to_string(f.line())).find(part) !=
               std::string::npos;
}

std::string text_of(const std::vector<goroutine_info>& leaks)
{
    std::ostringstream out;
    out << "found " << leaks.size() << (leaks.size() == 1 ? " goroutine" : " goroutines")
        << " left over\n\n";
    debug::print(out, leaks);
    return out.str();
}

} // namespace

// ---------------------------------------------------------------- options

leak_options& leak_options::ignore_name(std::string name)
{
    ignored_.emplace_back([name = std::move(name)](const auto& g) { return g.name == name; });
    return *this;
}

leak_options& leak_options::ignore_top(std::string part)
{
    ignored_.emplace_back([part = std::move(part)](const auto& g) {
        return !g.frames.empty() && matches(g.frames.front(), part);
    });
    return *this;
}

leak_options& leak_options::ignore_any(std::string part)
{
    ignored_.emplace_back([part = std::move(part)](const auto& g) {
        return std::any_of(g.frames.begin(), g.frames.end(),
                           [&](const auto& f) { return matches(f, part); });
    });
    return *this;
}

leak_options& leak_options::ignore_created_by(std::string part)
{
    ignored_.emplace_back(
        [part = std::move(part)](const auto& g) { return matches(g.spawn_site, part); });
    return *this;
}

leak_options& leak_options::ignore_current()
{
    std::vector<std::pair<std::uint64_t, std::uint64_t>> alive;
    for (const auto& g : debug::goroutines()) alive.emplace_back(g.runtime, g.id);
    std::sort(alive.begin(), alive.end());
    ignored_.emplace_back([alive = std::move(alive)](const auto& g) {
        return std::binary_search(alive.begin(), alive.end(), std::pair(g.runtime, g.id));
    });
    return *this;
}

leak_options& leak_options::retry(unsigned attempts, std::chrono::microseconds longest)
{
    attempts_ = std::max(1u, attempts);
    longest_ = longest;
    return *this;
}

leak_options& leak_options::cleanup(std::function<void(int)> f)
{
    cleanup_ = std::move(f);
    return *this;
}

leak_options& leak_options::run_on_failure()
{
    run_on_failure_ = true;
    return *this;
}

// ---------------------------------------------------------------- the search

/// One look after the other.
class leak_search {
public:
    explicit leak_search(const leak_options& o) : options_(o)
    {
        if (const auto* g = weft::detail::this_thread_state().current) {
            self_ = {g->sched->number, g->id};
        }
    }

    /// True: the result is final.
    bool look()
    {
        left.clear();
        for (auto& g : debug::goroutines()) {
            if (std::pair(g.runtime, g.id) == self_) continue;
            if (std::none_of(options_.ignored_.begin(), options_.ignored_.end(),
                             [&](const auto& ignores) { return ignores(g); })) {
                left.push_back(std::move(g));
            }
        }
        return left.empty() || ++looks_ >= options_.attempts_;
    }

    /// How long to wait before the next look.
    [[nodiscard]] duration pause() const noexcept
    {
        constexpr unsigned most_doublings = 30;
        return std::min(std::chrono::microseconds(1u << std::min(looks_ - 1, most_doublings)),
                        options_.longest_);
    }

    static std::vector<goroutine_info> on_this_thread(const leak_options& o)
    {
        if (weft::detail::this_thread_state().held) {
            weft::detail::throw_misuse("testing::find_leaks on a worker thread would keep the "
                                       "goroutines from ending; co_await find_leaks_here instead");
        }
        leak_search s(o);
        while (!s.look()) std::this_thread::sleep_for(s.pause());
        return std::move(s.left);
    }

    static const std::function<void(int)>& cleanup_of(const leak_options& o) { return o.cleanup_; }
    static bool runs_on_failure(const leak_options& o) { return o.run_on_failure_; }

    std::vector<goroutine_info> left;

private:
    const leak_options& options_;
    std::pair<std::uint64_t, std::uint64_t> self_{};
    unsigned looks_ = 0;
};

namespace {

void refuse_cleanup(const leak_options& o)
{
    if (leak_search::cleanup_of(o)) {
        weft::detail::throw_misuse(
            "testing::find_leaks: a cleanup is for leak_check and verify_run");
    }
}

} // namespace

std::vector<goroutine_info> find_leaks(const leak_options& options)
{
    refuse_cleanup(options);
    return leak_search::on_this_thread(options);
}

task<std::vector<goroutine_info>> find_leaks_here(leak_options options)
{
    refuse_cleanup(options);
    leak_search s(options);
    while (!s.look()) co_await sleep(s.pause());
    co_return std::move(s.left);
}

void leak_check(const leak_options& options)
{
    auto left = leak_search::on_this_thread(options);
    if (const auto& cleanup = leak_search::cleanup_of(options)) cleanup(0);
    if (left.empty()) return;
    const std::string text = text_of(left);
    throw failure(failure_kind::leak, text, std::move(left));
}

int verify_run(int code, const leak_options& options)
{
    if (code == 0 || leak_search::runs_on_failure(options)) {
        const auto left = leak_search::on_this_thread(options);
        if (!left.empty()) {
            std::cerr << "weft::testing: " << text_of(left) << std::flush;
            if (code == 0) code = 1;
        }
    }
    if (const auto& cleanup = leak_search::cleanup_of(options)) cleanup(code);
    return code;
}

} // namespace weft::inline v0_1::testing
