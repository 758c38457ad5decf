// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Metrics: what a program counts, and the runtimes of themselves, in Prometheus' text form.

namespace weft::inline v0_1::debug {

/// Label names and values of one series: {{"route", "/users"}}.
using metric_labels = std::vector<std::pair<std::string, std::string>>;

/// A number that only grows. Adding costs one relaxed addition, in a cell that few threads share.
/// @par Thread safety  safe.
class WEFT_EXPORT counter {
public:
    counter() = default;
    counter(const counter&) = delete;
    counter& operator=(const counter&) = delete;

    void add(std::uint64_t n = 1) noexcept
    {
        cells_[cell_here()].n.fetch_add(n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept
    {
        std::uint64_t sum = 0;
        for (const auto& c : cells_) sum += c.n.load(std::memory_order_relaxed);
        return sum;
    }

private:
    static constexpr std::size_t cell_count = 8;
    struct alignas(64) cell {
        std::atomic<std::uint64_t> n{0};
    };
    static std::size_t cell_here() noexcept;

    std::array<cell, cell_count> cells_;
};

/// A number that goes up and down.
/// @par Thread safety  safe.
class WEFT_EXPORT gauge {
public:
    gauge() = default;
    gauge(const gauge&) = delete;
    gauge& operator=(const gauge&) = delete;

    void set(double v) noexcept { value_.store(v, std::memory_order_relaxed); }
    void add(double v = 1) noexcept { value_.fetch_add(v, std::memory_order_relaxed); }
    void sub(double v = 1) noexcept { value_.fetch_sub(v, std::memory_order_relaxed); }
    [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

/// How often values lay in which range. A scrape meanwhile may see a value in one of count and sum only.
/// @par Thread safety  safe.
class WEFT_EXPORT histogram {
public:
    /// @param bounds  the ranges' upper ends, growing; the last range has none.
    /// @throws std::invalid_argument  they do not grow, or one is not a number.
    explicit histogram(std::vector<double> bounds);
    histogram(const histogram&) = delete;
    histogram& operator=(const histogram&) = delete;

    /// What is no number counts in the last range.
    void observe(double v) noexcept;

    struct reading {
        std::vector<std::uint64_t> up_to; ///< values at most each bound; the last one: all
        double sum = 0;
    };
    [[nodiscard]] reading read() const;
    [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }

private:
    std::vector<double> bounds_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts_; ///< one more than bounds
    std::atomic<double> sum_{0};
};

/// 5 ms to 10 s: for times in seconds, as Prometheus' clients have them.
[[nodiscard]] WEFT_EXPORT std::vector<double> default_buckets();

enum class metric_kind { counter, gauge };

/// A metric that was registered and can go again: while it lives, it is shown.
class [[nodiscard]] WEFT_EXPORT metric_registration {
public:
    metric_registration() noexcept = default;
    explicit metric_registration(std::function<void()> undo) noexcept : undo_(std::move(undo)) {}
    metric_registration(metric_registration&& o) noexcept : undo_(std::exchange(o.undo_, nullptr))
    {
    }
    metric_registration& operator=(metric_registration&& o) noexcept
    {
        metric_registration taken(std::move(o));
        std::swap(undo_, taken.undo_);
        return *this;
    }
    ~metric_registration()
    {
        if (undo_) undo_();
    }

private:
    std::function<void()> undo_;
};

/// What a counter, a gauge or a callback says.
struct metric_value {
    std::string name;
    metric_labels labels; ///< by name
    double value = 0;
};

/// Metrics by name and labels.
///
///     auto& served = weft::debug::process_metrics().add_counter("app_requests_total", "Requests answered.", {{"code", "200"}});
///     served.add();
///
/// Asked for the same name and labels again, it gives the same object: keep the reference, the search is not for hot paths. The
/// objects live as long as the registry.
///
/// @par Thread safety  safe.
/// @par Source         Prometheus' text format 0.0.4 and naming rules.
class WEFT_EXPORT metrics {
public:
    metrics();
    metrics(const metrics&) = delete;
    metrics& operator=(const metrics&) = delete;
    ~metrics();

    /// @throws std::invalid_argument  a name that Prometheus does not take, a label twice, the reserved label "le" of a
    ///                                histogram; the name is there as another kind, or with another help text.
    counter& add_counter(const std::string& name, const std::string& help,
                         const metric_labels& labels = {});
    gauge& add_gauge(const std::string& name, const std::string& help,
                     const metric_labels& labels = {});
    /// The bounds are those of the first series of that name.
    histogram& add_histogram(const std::string& name, const std::string& help,
                             const metric_labels& labels = {},
                             std::vector<double> bounds = default_buckets());

    /// A value that is asked for at each scrape, on the thread that scrapes; when the registration has gone, it is not called
    /// any more. It must not register or unregister anything. One that throws is left out.
    /// @throws std::invalid_argument  as above; the series is there.
    metric_registration add_callback(metric_kind kind, const std::string& name,
                                     const std::string& help, const metric_labels& labels,
                                     std::function<double()> value);

    /// All of it, by name: text/plain; version=0.0.4.
    [[nodiscard]] std::string text() const;

    /// The counters, gauges and callbacks whose name begins with `prefix`, by name and labels.
    [[nodiscard]] std::vector<metric_value> values(std::string_view prefix) const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// The process's own.
[[nodiscard]] WEFT_EXPORT metrics& process_metrics();

/// What the runtimes of this process say of themselves, in the same form: goroutines by state and wait reason, how many were
/// created, workers' queues, slices, yields, steals, timers. Stops nothing; each number is of a moment of its own.
/// @par Thread safety  safe, from goroutines and ordinary threads.
[[nodiscard]] WEFT_EXPORT std::string runtime_metrics_text();

/// The Content-Type of these texts.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

} // namespace weft::inline v0_1::debug
