// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/profile.hpp>

#include "mappings.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

/// profile.proto by hand: each message is a string of (field number, value), most values are varints.

namespace weft::inline v0_1::debug {

namespace {

/// A message on its way.
class message {
public:
    /// Left out if it is zero, which it is without it.
    void number(unsigned field, std::uint64_t value)
    {
        if (value != 0) always(field, value);
    }
    void always(unsigned field, std::uint64_t value)
    {
        varint(field << 3);
        varint(value);
    }
    void text(unsigned field, std::string_view s)
    {
        varint(field << 3 | 2);
        varint(s.size());
        bytes_.append(s);
    }
    void inner(unsigned field, const message& m) { text(field, m.bytes_); }
    /// All the numbers behind one another.
    template <class Numbers>
    void packed(unsigned field, const Numbers& all)
    {
        if (all.empty()) return;
        message m;
        for (const auto n : all) m.varint(static_cast<std::uint64_t>(n));
        inner(field, m);
    }
    std::string take() { return std::move(bytes_); }

private:
    void varint(std::uint64_t n)
    {
        for (; n >= 0x80; n >>= 7) bytes_ += static_cast<char>(n | 0x80);
        bytes_ += static_cast<char>(n);
    }

    std::string bytes_;
};

/// The numbers that things get when they are first seen: `Begin`, `Begin` + 1, ...
template <class Key, std::uint64_t Begin>
class numbering {
public:
    /// The second: it is new.
    std::pair<std::uint64_t, bool> of(const Key& k)
    {
        const auto [at, fresh] = numbers_.try_emplace(k, Begin + numbers_.size());
        return {at->second, fresh};
    }

private:
    std::map<Key, std::uint64_t> numbers_;
};

class encoder {
public:
    explicit encoder(const profile& p) : p_(p) { string(""); }

    std::string encode()
    {
        for (const auto& v : p_.values) out_.inner(1, type(v));
        samples();
        for (std::size_t i = 0; i < mappings_.size(); ++i) mapping(i);
        // The rest has put its strings into the table; the order of fields does not matter.
        message tail;
        if (!p_.period_type.name.empty()) tail.inner(11, type(p_.period_type));
        for (const auto& s : strings_) out_.text(6, s);
        std::string bytes = out_.take();
        bytes += tail.take();
        message numbers;
        numbers.number(9, static_cast<std::uint64_t>(p_.begin_nanoseconds));
        numbers.number(
            10, static_cast<std::uint64_t>(
                    std::chrono::duration_cast<std::chrono::nanoseconds>(p_.length).count()));
        numbers.number(12, static_cast<std::uint64_t>(p_.period));
        return bytes += numbers.take();
    }

private:
    using label = std::pair<std::string, std::string>;

    std::uint64_t string(std::string_view s)
    {
        const auto [at, fresh] = string_numbers_.try_emplace(std::string(s), strings_.size());
        if (fresh) strings_.emplace_back(s);
        return at->second;
    }

    message type(const profile::value_type& v)
    {
        message m;
        m.number(1, string(v.name));
        m.number(2, string(v.unit));
        return m;
    }

    /// Those with equal stacks and labels are one, in the order of their first ones.
    void samples()
    {
        std::map<std::pair<std::vector<std::uint64_t>, std::vector<label>>, std::size_t> places;
        struct sum {
            const std::vector<std::uint64_t>* stack;
            const std::vector<label>* labels;
            std::vector<std::int64_t> values;
        };
        std::vector<sum> sums;
        for (const auto& s : p_.samples) {
            std::vector<std::uint64_t> stack;
            stack.reserve(s.stack.size());
            for (const auto& f : s.stack) stack.push_back(location(f));
            const auto [at, fresh] = places.try_emplace({std::move(stack), s.labels}, sums.size());
            if (fresh)
                sums.push_back({&at->first.first, &at->first.second,
                                std::vector<std::int64_t>(p_.values.size())});
            auto& values = sums[at->second].values;
            for (std::size_t i = 0; i < std::min(values.size(), s.values.size()); ++i)
                values[i] += s.values[i];
        }
        for (const auto& s : sums) {
            message m;
            m.packed(1, *s.stack);
            m.packed(2, s.values);
            for (const auto& [key, value] : *s.labels) {
                message l;
                l.number(1, string(key));
                l.number(2, string(value));
                m.inner(3, l);
            }
            out_.inner(2, m);
        }
    }

    std::uint64_t location(const profile_frame& f)
    {
        const auto [number, fresh] = locations_.of({f.function, f.file, f.line, f.address});
        if (!fresh) return number;
        message m;
        m.number(1, number);
        if (f.address != 0) {
            m.number(2, map_of(f.address));
            m.number(3, f.address);
        }
        if (!f.function.empty() || !f.file.empty()) {
            message line;
            line.number(1, function(f));
            line.number(2, f.line);
            m.inner(4, line);
        }
        out_.inner(4, m);
        return number;
    }

    std::uint64_t function(const profile_frame& f)
    {
        const auto [number, fresh] = functions_.of({f.function, f.file});
        if (!fresh) return number;
        message m;
        m.number(1, number);
        m.number(2, string(f.function));
        m.number(3, string(f.function));
        m.number(4, string(f.file));
        out_.inner(5, m);
        return number;
    }

    /// Where in the process the address lies; 0: nowhere that is known.
    std::uint64_t map_of(std::uint64_t address)
    {
        if (!asked_) mappings_ = detail::executable_mappings();
        asked_ = true;
        for (std::size_t i = 0; i < mappings_.size(); ++i) {
            if (address >= mappings_[i].begin && address < mappings_[i].end) return i + 1;
        }
        return 0;
    }

    void mapping(std::size_t i)
    {
        message m;
        m.number(1, i + 1);
        m.number(2, mappings_[i].begin);
        m.number(3, mappings_[i].end);
        m.number(4, mappings_[i].offset);
        m.number(5, string(mappings_[i].file));
        m.number(7, 1); // functions are named
        out_.inner(3, m);
    }

    const profile& p_;
    message out_;
    std::unordered_map<std::string, std::uint64_t> string_numbers_;
    std::vector<std::string> strings_; ///< number 0 is the empty one
    numbering<std::tuple<std::string, std::string, std::uint32_t, std::uint64_t>, 1> locations_;
    numbering<std::pair<std::string, std::string>, 1> functions_;
    std::vector<detail::mapping> mappings_;
    bool asked_ = false;
};

} // namespace

std::string profile::encoded() const
{
    return encoder(*this).encode();
}

} // namespace weft::inline v0_1::debug
