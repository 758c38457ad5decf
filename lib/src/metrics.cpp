// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/metrics.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <variant>

namespace weft::inline v0_1::debug {

namespace {

bool is_letter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name(std::string_view s, bool with_colons) noexcept
{
    if (s.empty()) return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool digit = s[i] >= '0' && s[i] <= '9';
        if (!is_letter(s[i]) && !(digit && i > 0) && !(with_colons && s[i] == ':')) return false;
    }
    return true;
}

void append_escaped(std::string& to, std::string_view s, bool quotes)
{
    for (const char c : s) {
        if (c == '\\') to += "\\\\";
        else if (c == '\n') to += "\\n";
        else if (c == '"' && quotes) to += "\\\"";
        else to += c;
    }
}

void append_number(std::string& to, double v)
{
    if (std::isnan(v)) {
        to += "NaN";
    } else if (std::isinf(v)) {
        to += v < 0 ? "-Inf" : "+Inf";
    } else {
        char digits[32];
        to.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
    }
}

void append_number(std::string& to, std::uint64_t v)
{
    char digits[20];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

/// `a="x",b="y"`: how a series is shown and found.
std::string label_key(const metric_labels& labels, bool of_histogram)
{
    std::string key;
    std::set<std::string_view> names;
    for (const auto& [name, value] : labels) {
        if (!is_name(name, false) || name.starts_with("__"))
            throw std::invalid_argument("metrics: label name \"" + name + "\"");
        if (of_histogram && name == "le")
            throw std::invalid_argument("metrics: label \"le\" is the histogram's own");
        if (!names.insert(name).second)
            throw std::invalid_argument("metrics: label \"" + name + "\" twice");
        if (!key.empty()) key += ',';
        key += name;
        key += "=\"";
        append_escaped(key, value, true);
        key += '"';
    }
    return key;
}

using callback = std::shared_ptr<std::function<double()>>;
using meter = std::variant<std::unique_ptr<counter>, std::unique_ptr<gauge>,
                           std::unique_ptr<histogram>, callback>;

struct series {
    metric_labels labels; ///< by name
    meter of;
};

struct family {
    std::string type; ///< "counter", ...
    std::string help;
    std::map<std::string, series> all; ///< by label key
};

void append_sample(std::string& to, std::string_view name, std::string_view labels, auto value)
{
    to += name;
    if (!labels.empty()) {
        to += '{';
        to += labels;
        to += '}';
    }
    to += ' ';
    append_number(to, value);
    to += '\n';
}

void append_histogram(std::string& to, const std::string& name, const std::string& labels,
                      const histogram& h)
{
    const auto r = h.read();
    for (std::size_t i = 0; i < r.up_to.size(); ++i) {
        std::string with = labels.empty() ? "le=\"" : labels + ",le=\"";
        append_number(with, i < h.bounds().size() ? h.bounds()[i] : INFINITY);
        append_sample(to, name + "_bucket", with + '"', r.up_to[i]);
    }
    append_sample(to, name + "_sum", labels, r.sum);
    append_sample(to, name + "_count", labels, r.up_to.back());
}

/// Nothing: it is a histogram, or has no value now.
std::optional<double> value_of(const series& s)
{
    if (const auto* c = std::get_if<std::unique_ptr<counter>>(&s.of))
        return static_cast<double>((*c)->value());
    if (const auto* g = std::get_if<std::unique_ptr<gauge>>(&s.of)) return (*g)->value();
    try {
        if (const auto* ask = std::get_if<callback>(&s.of)) return (**ask)();
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // It has none.
    }
    return std::nullopt;
}

} // namespace

std::size_t counter::cell_here() noexcept
{
    static constinit std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine =
        threads.fetch_add(1, std::memory_order_relaxed) % cell_count;
    return mine;
}

histogram::histogram(std::vector<double> bounds) : bounds_(std::move(bounds))
{
    if (!bounds_.empty() && std::isinf(bounds_.back()) && bounds_.back() > 0) bounds_.pop_back();
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
        if (!std::isfinite(bounds_[i]) || (i > 0 && bounds_[i] <= bounds_[i - 1]))
            throw std::invalid_argument("metrics: a histogram's bounds must grow");
    }
    counts_ = std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1);
}

void histogram::observe(double v) noexcept
{
    // No bound is above what is no number.
    const auto at =
        std::isnan(v) ? bounds_.end() : std::lower_bound(bounds_.begin(), bounds_.end(), v);
    counts_[static_cast<std::size_t>(at - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(v, std::memory_order_relaxed);
}

histogram::reading histogram::read() const
{
    reading r;
    std::uint64_t n = 0;
    for (std::size_t i = 0; i <= bounds_.size(); ++i)
        r.up_to.push_back(n += counts_[i].load(std::memory_order_relaxed));
    r.sum = sum_.load(std::memory_order_relaxed);
    return r;
}

std::vector<double> default_buckets()
{
    return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
}

struct metrics::state {
    mutable std::mutex mutex;
    std::map<std::string, family, std::less<>> families; ///< guarded by mutex

    /// Locked. The place of that series, which may be empty still.
    std::pair<family*, std::string> place(const std::string& name, const std::string& type,
                                          const std::string& help, metric_labels& labels)
    {
        std::sort(labels.begin(), labels.end());
        if (!is_name(name, true)) throw std::invalid_argument("metrics: name \"" + name + "\"");
        std::string key = label_key(labels, type == "histogram");
        const auto [at, fresh] = families.try_emplace(name, family{type, help, {}});
        if (at->second.type != type)
            throw std::invalid_argument("metrics: " + name + " is a " + at->second.type);
        if (at->second.help != help)
            throw std::invalid_argument("metrics: " + name + " has another help text");
        return {&at->second, std::move(key)};
    }

    template <class T, class Make>
    T& get(const std::string& name, const std::string& type, const std::string& help,
           metric_labels labels, Make make)
    {
        const std::lock_guard lock(mutex);
        auto [f, key] = place(name, type, help, labels);
        auto at = f->all.find(key);
        if (at == f->all.end()) {
            std::unique_ptr<T> made = make(*f);
            series fresh{std::move(labels), std::move(made)};
            at = f->all.emplace(std::move(key), std::move(fresh)).first;
        }
        if (auto* p = std::get_if<std::unique_ptr<T>>(&at->second.of)) return **p;
        throw std::invalid_argument("metrics: " + name + " is a callback");
    }
};

metrics::metrics() : state_(std::make_shared<state>()) {}
metrics::~metrics() = default;

counter& metrics::add_counter(const std::string& name, const std::string& help,
                              const metric_labels& labels)
{
    return state_->get<counter>(name, "counter", help, labels,
                                [](const family&) { return std::make_unique<counter>(); });
}

gauge& metrics::add_gauge(const std::string& name, const std::string& help,
                          const metric_labels& labels)
{
    return state_->get<gauge>(name, "gauge", help, labels,
                              [](const family&) { return std::make_unique<gauge>(); });
}

histogram& metrics::add_histogram(const std::string& name, const std::string& help,
                                  const metric_labels& labels, std::vector<double> bounds)
{
    return state_->get<histogram>(name, "histogram", help, labels, [&](const family& f) {
        if (!f.all.empty()) {
            const auto& first = std::get<std::unique_ptr<histogram>>(f.all.begin()->second.of);
            bounds = first->bounds();
        }
        return std::make_unique<histogram>(std::move(bounds));
    });
}

metric_registration metrics::add_callback(metric_kind kind, const std::string& name,
                                          const std::string& help, const metric_labels& labels,
                                          std::function<double()> value)
{
    const std::lock_guard lock(state_->mutex);
    series made{labels, std::make_shared<std::function<double()>>(std::move(value))};
    auto [f, key] =
        state_->place(name, kind == metric_kind::counter ? "counter" : "gauge", help, made.labels);
    if (!f->all.emplace(key, std::move(made)).second)
        throw std::invalid_argument("metrics: " + name + "{" + key + "} is there already");
    return metric_registration([weak = std::weak_ptr(state_), name, which = key] {
        const auto s = weak.lock();
        if (!s) return;
        series gone; // what it captured goes after the lock
        const std::lock_guard inner(s->mutex);
        const auto at = s->families.find(name);
        auto node = at->second.all.extract(which);
        gone = std::move(node.mapped());
        if (at->second.all.empty()) s->families.erase(at);
    });
}

std::string metrics::text() const
{
    std::string t;
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, f] : state_->families) {
        if (f.all.empty()) continue; // what was to be its first series was refused
        t += "# HELP " + name + ' ';
        append_escaped(t, f.help, false);
        t += "\n# TYPE " + name + ' ' + f.type + '\n';
        for (const auto& [labels, s] : f.all) {
            if (const auto* c = std::get_if<std::unique_ptr<counter>>(&s.of)) {
                append_sample(t, name, labels, (*c)->value());
            } else if (const auto* h = std::get_if<std::unique_ptr<histogram>>(&s.of)) {
                append_histogram(t, name, labels, **h);
            } else if (const auto v = value_of(s)) {
                append_sample(t, name, labels, *v);
            }
        }
    }
    return t;
}

std::vector<metric_value> metrics::values(std::string_view prefix) const
{
    std::vector<metric_value> all;
    const std::lock_guard lock(state_->mutex);
    for (auto f = state_->families.lower_bound(prefix);
         f != state_->families.end() && f->first.starts_with(prefix); ++f) {
        for (const auto& [key, s] : f->second.all) {
            if (const auto v = value_of(s)) all.push_back({f->first, s.labels, *v});
        }
    }
    return all;
}

metrics& process_metrics()
{
    static auto* m = new metrics; // never destroyed: registrations may end late
    return *m;
}

} // namespace weft::inline v0_1::debug
