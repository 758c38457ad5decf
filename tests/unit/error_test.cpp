// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The two error types, and what codes compare equal to.

#include "testing.hpp"

#include <weft/error.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

using weft::errc;

TEST_CASE("errc is an error code enum of the category weft")
{
    static_assert(std::is_error_code_enum_v<errc>);
    const std::error_code canceled = errc::canceled;
    CHECK(&canceled.category() == &weft::error_category());
    CHECK(std::string(canceled.category().name()) == "weft");
    CHECK(canceled == errc::canceled);
    CHECK(canceled != errc::stopped);
    CHECK(canceled);
}

TEST_CASE("each code has Go's words")
{
    CHECK(make_error_code(errc::canceled).message() == "context canceled");
    CHECK(make_error_code(errc::deadline_exceeded).message() == "context deadline exceeded");
    CHECK(make_error_code(errc::stopped).message() == "runtime stopped");
    CHECK(std::error_code(12345, weft::error_category()).message() == "unknown weft error");
}

TEST_CASE("codes equal the portable conditions where there is one")
{
    CHECK(make_error_code(errc::canceled) == std::errc::operation_canceled);
    CHECK(make_error_code(errc::deadline_exceeded) == std::errc::timed_out);
    CHECK(make_error_code(errc::stopped) != std::errc::operation_canceled);
    CHECK(make_error_code(errc::canceled) != std::errc::timed_out);
    const std::error_condition stopped = make_error_code(errc::stopped).default_error_condition();
    CHECK(stopped.value() == static_cast<int>(errc::stopped));
    CHECK(&stopped.category() == &weft::error_category());
}

TEST_CASE("error is a system_error with the code")
{
    try {
        throw weft::error(errc::deadline_exceeded);
    } catch (const std::system_error& e) {
        CHECK(e.code() == errc::deadline_exceeded);
        CHECK(std::string(e.what()).find("context deadline exceeded") != std::string::npos);
    }
    const weft::error told(make_error_code(errc::canceled), "while waiting");
    CHECK(told.code() == errc::canceled);
    CHECK(std::string(told.what()).starts_with("while waiting"));
}

TEST_CASE("misuse_error is a logic_error and no system_error")
{
    static_assert(std::is_base_of_v<std::logic_error, weft::misuse_error>);
    static_assert(!std::is_base_of_v<std::system_error, weft::misuse_error>);
    CHECK_MISUSE(throw weft::misuse_error("close of nil channel"), "close of nil channel");
}
