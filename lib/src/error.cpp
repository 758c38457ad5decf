// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/error.hpp>

#include <string>

namespace weft::inline v0_1 {

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "weft"; }

    std::string message(int code) const override
    {
        switch (static_cast<errc>(code)) {
        case errc::canceled: return "context canceled";
        case errc::deadline_exceeded: return "context deadline exceeded";
        case errc::stopped: return "runtime stopped";
        }
        return "unknown weft error";
    }

    std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (static_cast<errc>(code)) {
        case errc::canceled: return std::errc::operation_canceled;
        case errc::deadline_exceeded: return std::errc::timed_out;
        case errc::stopped: break;
        }
        return {code, *this};
    }
};

} // namespace

const std::error_category& error_category() noexcept
{
    static const category c;
    return c;
}

void detail::throw_misuse(const char* what)
{
    throw misuse_error(what);
}

void detail::throw_error(errc e)
{
    throw error(e);
}

} // namespace weft::inline v0_1
