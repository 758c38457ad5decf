// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Reads pprof's profile.proto, written from its description and not from weft's encoder.

namespace weft_test {

struct decoded_profile {
    struct frame {
        std::string function, file, mapped;
        std::int64_t line = 0;
        std::uint64_t address = 0;
    };
    struct sample {
        std::vector<frame> stack;
        std::vector<std::int64_t> values;
        std::map<std::string, std::string> labels;
    };
    std::vector<std::string> types; ///< "cpu/nanoseconds"
    std::vector<sample> samples;
    std::string period_type;
    std::int64_t period = 0, time = 0, length = 0;
    std::size_t functions = 0, locations = 0;
    bool strings_are_unique = true;
};

/// A message's fields: numbers and bytes by field number, in order.
class proto_message {
public:
    explicit proto_message(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const std::uint64_t key = varint(bytes);
            const auto field = static_cast<unsigned>(key >> 3);
            if ((key & 7) == 0) {
                numbers_[field].push_back(varint(bytes));
            } else if ((key & 7) == 2) {
                const std::uint64_t n = varint(bytes);
                if (n > bytes.size()) throw std::runtime_error("profile: cut off");
                texts_[field].emplace_back(bytes.substr(0, n));
                bytes.remove_prefix(n);
            } else {
                throw std::runtime_error("profile: a wire type that it does not use");
            }
        }
    }

    std::uint64_t number(unsigned field) const
    {
        const auto at = numbers_.find(field);
        return at == numbers_.end() ? 0 : at->second.back();
    }
    std::vector<std::string> texts(unsigned field) const
    {
        const auto at = texts_.find(field);
        return at == texts_.end() ? std::vector<std::string>() : at->second;
    }
    /// Repeated numbers, packed or not.
    std::vector<std::uint64_t> all(unsigned field) const
    {
        std::vector<std::uint64_t> r;
        for (const auto& t : texts(field)) {
            for (std::string_view rest = t; !rest.empty();) r.push_back(varint(rest));
        }
        if (const auto at = numbers_.find(field); at != numbers_.end())
            r.insert(r.end(), at->second.begin(), at->second.end());
        return r;
    }

private:
    static std::uint64_t varint(std::string_view& bytes)
    {
        std::uint64_t n = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (bytes.empty()) throw std::runtime_error("profile: cut off");
            const auto b = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            n |= std::uint64_t{b & 0x7FU} << shift;
            if (b < 0x80) return n;
        }
        throw std::runtime_error("profile: a number too long");
    }

    std::map<unsigned, std::vector<std::uint64_t>> numbers_;
    std::map<unsigned, std::vector<std::string>> texts_;
};

inline decoded_profile decode_profile(std::string_view bytes)
{
    const proto_message m(bytes);
    decoded_profile p;
    const auto strings = m.texts(6);
    if (strings.empty() || !strings[0].empty())
        throw std::runtime_error("profile: string 0 is not empty");
    p.strings_are_unique =
        std::set<std::string>(strings.begin(), strings.end()).size() == strings.size();
    const auto type = [&](const std::string& t) {
        const proto_message v(t);
        return strings.at(v.number(1)) + "/" + strings.at(v.number(2));
    };
    for (const auto& t : m.texts(1)) p.types.push_back(type(t));
    for (const auto& t : m.texts(11)) p.period_type = type(t);
    p.time = static_cast<std::int64_t>(m.number(9));
    p.length = static_cast<std::int64_t>(m.number(10));
    p.period = static_cast<std::int64_t>(m.number(12));

    std::map<std::uint64_t, std::string> mappings;
    for (const auto& t : m.texts(3)) {
        const proto_message v(t);
        mappings[v.number(1)] = strings.at(v.number(5));
    }
    std::map<std::uint64_t, decoded_profile::frame> functions, locations;
    for (const auto& t : m.texts(5)) {
        const proto_message v(t);
        functions[v.number(1)] = {strings.at(v.number(2)), strings.at(v.number(4)), {}, 0, 0};
    }
    for (const auto& t : m.texts(4)) {
        const proto_message v(t);
        decoded_profile::frame f;
        for (const auto& line : v.texts(4)) {
            const proto_message l(line);
            f = functions.at(l.number(1));
            f.line = static_cast<std::int64_t>(l.number(2));
        }
        f.address = v.number(3);
        if (v.number(2) != 0) f.mapped = mappings.at(v.number(2));
        if (v.number(1) == 0) throw std::runtime_error("profile: location 0");
        locations[v.number(1)] = f;
    }
    p.functions = functions.size();
    p.locations = locations.size();
    for (const auto& t : m.texts(2)) {
        const proto_message v(t);
        decoded_profile::sample s;
        for (const auto id : v.all(1)) s.stack.push_back(locations.at(id));
        for (const auto n : v.all(2)) s.values.push_back(static_cast<std::int64_t>(n));
        if (s.values.size() != p.types.size())
            throw std::runtime_error("profile: a sample with other values than types");
        for (const auto& label : v.texts(3)) {
            const proto_message l(label);
            s.labels[strings.at(l.number(1))] = strings.at(l.number(2));
        }
        p.samples.push_back(std::move(s));
    }
    return p;
}

} // namespace weft_test
