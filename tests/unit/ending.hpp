// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/task.hpp>

#include <exception>
#include <string>
#include <utility>

namespace weft_test {

/// What an exception says; "none": there is none, "?": it is no std::exception.
inline std::string text_of(const std::exception_ptr& e)
{
    try {
        if (e) std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    } catch (...) {
        return "?";
    }
    return "none";
}

/// What `op` throws.
template <class Op>
weft::task<std::string> ending_of(Op op)
{
    std::exception_ptr thrown;
    try {
        static_cast<void>(co_await std::move(op));
    } catch (...) {
        thrown = std::current_exception();
    }
    co_return text_of(thrown);
}
inline weft::task<std::string> ending_of(weft::task<> t)
{
    std::exception_ptr thrown;
    try {
        co_await std::move(t);
    } catch (...) {
        thrown = std::current_exception();
    }
    co_return text_of(thrown);
}

} // namespace weft_test
