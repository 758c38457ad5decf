// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/detail/routing.hpp>

#include "pattern.hpp"

#include <weft/error.hpp>
#include <weft/http/url.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http::detail {

namespace {

using kind = pattern_segment::kind;

struct route {
    route_pattern pattern;
    handler call;
    route_options options;
};

/// A place in the tree: the segments that can follow.
struct path_node {
    std::vector<std::pair<std::string, std::unique_ptr<path_node>>> literals; ///< sorted
    std::unique_ptr<path_node> single;
    const route* rest = nullptr; ///< a pattern that takes whatever follows
    const route* here = nullptr; ///< a pattern that ends here
};

/// What the wildcards of a match stand for, encoded, in the order of the pattern.
struct wildcard_values {
    std::array<std::string_view, 33> at; ///< patterns have 32 at most, and a rest without a name
    std::size_t size = 0;
};

using method_trees = std::map<std::string, path_node, std::less<>>;

auto literal_of(const path_node& n, std::string_view text)
{
    const auto at = std::lower_bound(n.literals.begin(), n.literals.end(), text,
                                     [](const auto& l, std::string_view t) { return l.first < t; });
    return std::pair(at, at != n.literals.end() && at->first == text);
}

/// The next segment of an encoded path that begins with a slash: its end. A last slash is a segment of its own.
std::size_t end_of_segment(std::string_view path)
{
    return path == "/" ? 1 : std::min(path.find('/', 1), path.size());
}

const route* match(const path_node& n, std::string_view path, wildcard_values& values)
{
    if (path.empty()) return n.here;
    const std::size_t end = end_of_segment(path);
    const std::string_view segment = path == "/" ? path : path.substr(1, end - 1);
    const std::string_view after = path.substr(end);
    const std::size_t before = values.size;

    std::string decoded;
    std::string_view text = segment;
    if (segment.find('%') != std::string_view::npos) {
        decoded = percent_decoded(segment).value_or(std::string(segment));
        text = decoded;
    }
    // "%2F" is a segment that consists of a slash, which {$} is not.
    const bool slash_in_disguise = text == "/" && segment != "/";
    if (const auto [at, there] = literal_of(n, text); there && !slash_in_disguise) {
        if (const route* r = match(*at->second, after, values)) return r;
        values.size = before;
    }
    if (n.single && segment != "/") {
        values.at[values.size++] = segment;
        if (const route* r = match(*n.single, after, values)) return r;
        values.size = before;
    }
    if (n.rest) values.at[values.size++] = path.substr(1);
    return n.rest;
}

/// The path is all that the pattern is about: nothing is left for a wildcard {x...}.
bool is_exact(const route* r, std::string_view path)
{
    if (!r) return false;
    if (!r->pattern.ends_in_rest()) return true;
    return path.ends_with('/') &&
           r->pattern.segments.size() ==
               static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

/// In lower case, without the port.
std::string_view plain_host(std::string_view host, std::string& room)
{
    if (host.starts_with('[')) {
        host = host.substr(0, host.find(']') + 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    if (std::none_of(host.begin(), host.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
        return host;
    room = host;
    std::transform(room.begin(), room.end(), room.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    return room;
}

bool is_clean(std::string_view path)
{
    if (!path.starts_with('/')) return false;
    for (std::size_t at = path.find('/'); at != std::string_view::npos;
         at = path.find('/', at + 1)) {
        const std::string_view next = path.substr(at + 1, path.find('/', at + 1) - at - 1);
        if (next == "." || next == ".." || (next.empty() && at + 1 < path.size())) return false;
    }
    return true;
}

/// Encodes what a path may not contain: browsers take a backslash for a slash, and "/\evil.com" for "//evil.com", which is
/// another host.
std::string sendable(std::string_view path)
{
    constexpr std::string_view allowed = "/%:@!$&'()*+,;=-._~";
    std::string out;
    out.reserve(path.size());
    for (const char c : path) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
            allowed.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += percent_encoded({&c, 1});
        }
    }
    return out;
}

} // namespace

class routing_tree {
public:
    routing_tree()
    {
        not_found_ = [](request&, response& res) -> task<> {
            res.set_status(status::not_found).send("404 page not found\n");
            co_return;
        };
        // What a server says of itself.
        about_server_ = [](request&, response& res) -> task<> {
            res.send("");
            co_return;
        };
        not_allowed_ = [this](request& req, response& res) -> task<> {
            res.set_header("Allow", allowed(req));
            res.set_status(status::method_not_allowed).send("Method Not Allowed\n");
            co_return;
        };
        moved_ = [this](request& req, response& res) -> task<> {
            res.set_header("Location", location(req));
            res.set_status(status::temporary_redirect).send("");
            co_return;
        };
    }
    routing_tree(const routing_tree&) = delete;
    routing_tree& operator=(const routing_tree&) = delete;

    void add(route r)
    {
        must_not_be_frozen();
        for (const route& other : routes_) {
            if (!in_conflict(other.pattern, r.pattern)) continue;
            throw std::invalid_argument(
                "http: pattern \"" + r.pattern.text + "\" conflicts with \"" + other.pattern.text +
                "\": both match the path \"" + common_path(r.pattern, other.pattern) +
                "\", and neither is more specific");
        }
        const route& kept = routes_.emplace_back(std::move(r));
        path_node* n = &hosts_[kept.pattern.host][kept.pattern.method];
        for (const pattern_segment& s : kept.pattern.segments) {
            if (s.what == kind::rest) {
                n->rest = &kept;
                return;
            }
            if (s.what == kind::single) {
                if (!n->single) n->single = std::make_unique<path_node>();
                n = n->single.get();
                continue;
            }
            const auto [at, there] = literal_of(*n, s.text);
            if (there) {
                n = at->second.get();
            } else {
                n = n->literals.insert(at, {s.text, std::make_unique<path_node>()})->second.get();
            }
        }
        n->here = &kept;
    }

    void wrap(middleware m)
    {
        must_not_be_frozen();
        middlewares_.push_back(std::move(m));
    }

    void freeze()
    {
        must_not_be_frozen();
        frozen_ = true;
        std::reverse(middlewares_.begin(), middlewares_.end()); // the first one comes last: outside
        const auto wrapped = [&](handler& h) {
            for (const middleware& m : middlewares_) h = m(std::move(h));
        };
        for (route& r : routes_) wrapped(r.call);
        for (handler* h : {&not_found_, &about_server_, &not_allowed_, &moved_}) wrapped(*h);
    }

    struct found {
        const handler* call;
        const route* to;
    };
    found find(const request& req, wildcard_values& values) const
    {
        if (req.target() == "*") return {&about_server_, nullptr};
        const std::string_view path = req.raw_path();
        if (!is_clean(path)) return {&moved_, nullptr};
        std::string room;
        const std::string_view host = plain_host(req.host(), room);
        const route* r = match(host, req.method(), path, values);
        if (lacks_slash(r, host, req.method(), path)) return {&moved_, nullptr};
        if (r) return {&r->call, r};
        return {methods_for(host, path).empty() ? &not_found_ : &not_allowed_, nullptr};
    }

private:
    void must_not_be_frozen() const
    {
        if (frozen_) weft::detail::throw_misuse("http: the server serves already");
    }

    [[nodiscard]] const route* match(std::string_view host, std::string_view method,
                                     std::string_view path, wildcard_values& values) const
    {
        for (const std::string_view h : {host, std::string_view()}) {
            const auto trees = hosts_.find(h);
            if (trees == hosts_.end()) continue;
            for (const std::string_view m :
                 {method, std::string_view(method == "HEAD" ? "GET" : ""), std::string_view()}) {
                const auto tree = trees->second.find(m);
                if (tree == trees->second.end()) continue;
                values.size = 0;
                if (const route* r = detail::match(tree->second, path, values)) return r;
            }
            if (host.empty()) break;
        }
        return nullptr;
    }

    /// `r`, which the path led to, is not all about it, but some pattern is if a slash follows.
    [[nodiscard]] bool lacks_slash(const route* r, std::string_view host, std::string_view method,
                                   std::string_view path) const
    {
        if (path.ends_with('/') || is_exact(r, path)) return false;
        wildcard_values unused;
        const std::string below = std::string(path) + "/";
        return is_exact(match(host, method, below, unused), below);
    }

    [[nodiscard]] std::set<std::string_view> methods_for(std::string_view host,
                                                         std::string_view path) const
    {
        // Another method might have been redirected to the path with a slash behind it.
        const std::string below = std::string(path) + "/";
        const auto leads_on = [&](const path_node& tree) {
            wildcard_values unused;
            return detail::match(tree, path, unused) ||
                   (!path.ends_with('/') && detail::match(tree, below, unused));
        };
        std::set<std::string_view> methods;
        for (const std::string_view h : {host, std::string_view()}) {
            const auto trees = hosts_.find(h);
            if (trees == hosts_.end()) continue;
            for (const auto& [method, tree] : trees->second) {
                if (leads_on(tree)) methods.insert(method);
            }
        }
        if (methods.contains("GET")) methods.insert("HEAD");
        return methods;
    }

    [[nodiscard]] std::string allowed(const request& req) const
    {
        std::string room, list;
        for (const std::string_view m : methods_for(plain_host(req.host(), room), req.raw_path()))
            list.append(list.empty() ? "" : ", ").append(m);
        return list;
    }

    /// Where a path that is not clean, or that lacks its last slash, should have gone.
    [[nodiscard]] std::string location(const request& req) const
    {
        const std::string path = clean_path(req.raw_path());
        std::string room;
        const std::string_view host = plain_host(req.host(), room);
        wildcard_values unused;
        std::string to = sendable(path);
        if (lacks_slash(match(host, req.method(), path, unused), host, req.method(), path))
            to += '/';
        if (!req.query().empty()) to.append("?").append(req.query());
        return to;
    }

    std::deque<route> routes_; ///< the nodes refer to them
    std::map<std::string, method_trees, std::less<>> hosts_;
    std::vector<middleware> middlewares_;
    handler not_found_, about_server_, not_allowed_, moved_;
    bool frozen_ = false;
};

routing::routing() : tree_(std::make_unique<routing_tree>()) {}
routing::~routing() = default;

void routing::add(std::string_view pattern, handler h, const route_options& options)
{
    if (!h)
        throw std::invalid_argument("http: pattern \"" + std::string(pattern) + "\": no handler");
    tree_->add({route_pattern::parse(pattern), std::move(h), options});
}

void routing::wrap(middleware m)
{
    tree_->wrap(std::move(m));
}

void routing::freeze()
{
    tree_->freeze();
}

destination routing::find(request& req) const
{
    wildcard_values values;
    const routing_tree::found f = tree_->find(req, values);
    req.path_values_.clear();
    req.pattern_ = {};
    if (!f.to) return {f.call, nullptr};
    req.pattern_ = f.to->pattern.text;
    std::size_t n = 0;
    for (const pattern_segment& s : f.to->pattern.segments) {
        if (s.what == kind::literal) continue;
        const std::string_view v = values.at[n++];
        if (s.text.empty()) continue;
        req.path_values_.emplace_back(s.text, percent_decoded(v).value_or(std::string(v)));
    }
    return {f.call, &f.to->options};
}

} // namespace weft::inline v0_1::http::detail
