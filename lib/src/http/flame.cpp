// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "flame.hpp"

#include "json_text.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace weft::inline v0_1::debug {

namespace {

constexpr std::int64_t narrowest = 1000; // the share of the whole
constexpr std::size_t most_nodes = 5000;

struct node {
    std::size_t name = 0;
    std::int64_t value = 0;
    std::map<std::size_t, node*> children{}; ///< by name
};

struct tree {
    node root;
    std::deque<node> nodes; ///< all others
    std::vector<std::string> names{"all"};
    std::map<std::string, std::size_t> numbers;

    void step(node*& at, const std::string& name, std::int64_t value)
    {
        const auto [number, fresh] = numbers.try_emplace(name, names.size());
        if (fresh) names.push_back(name);
        node*& child = at->children[number->second];
        if (child == nullptr) child = &nodes.emplace_back(node{number->second});
        child->value += value;
        at = child;
    }
};

/// What a sample waited for is not a place of its stack, but what comes last.
std::string reason_of(const profile_sample& s)
{
    for (const auto& [key, value] : s.labels) {
        if (key == "reason" || key == "wait_reason") return '[' + value + ']';
    }
    return {};
}

void write_nodes(json_text& out, const node& root)
{
    struct place {
        const node* at;
        std::int64_t parent;
    };
    const std::int64_t least = std::max<std::int64_t>(1, root.value / narrowest);
    std::deque<place> next{{&root, -1}}; // level by level: what is left off is far from the root
    for (std::int64_t written = 0; !next.empty() && written < std::int64_t{most_nodes}; ++written) {
        const place p = next.front();
        next.pop_front();
        out.begin('[').value(p.parent).value(p.at->name).value(p.at->value).end(']');
        std::vector<const node*> children;
        for (const auto& [name, child] : p.at->children) {
            if (child->value >= least) children.push_back(child);
        }
        std::sort(children.begin(), children.end(),
                  [](const node* a, const node* b) { return a->value > b->value; });
        for (const node* c : children) next.push_back({c, written});
    }
}

} // namespace

std::string flame_json(const profile& p, std::size_t which)
{
    tree all;
    for (const profile_sample& s : p.samples) {
        const std::int64_t value = s.values.at(which);
        if (value <= 0) continue;
        all.root.value += value;
        node* at = &all.root;
        for (auto f = s.stack.rbegin(); f != s.stack.rend(); ++f) {
            const std::string where = f->line ? f->file + ':' + std::to_string(f->line) : f->file;
            all.step(at, where.empty() ? f->function : f->function + '\n' + where, value);
        }
        if (const std::string why = reason_of(s); !why.empty()) all.step(at, why, value);
    }
    json_text out;
    out.begin('{').field("name", p.values.at(which).name).field("unit", p.values.at(which).unit);
    out.field("total", all.root.value).key("names").begin('[');
    for (const std::string& name : all.names) out.value(name);
    out.end(']').key("nodes").begin('[');
    write_nodes(out, all.root);
    return out.end(']').end('}').take();
}

} // namespace weft::inline v0_1::debug
