// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What dumps, profiles and traces call a function, whichever compiler named it.

#include "testing.hpp"

#include <snapshot.hpp>

#include <source_location>
#include <string>
#include <string_view>

using weft::task;
using weft::detail::readable_name;

namespace {

std::string name_of(std::source_location at = std::source_location::current())
{
    return readable_name(at.function_name());
}

struct worker {
    task<std::string> name(int) const { co_return name_of(); }
    operator std::string() const { return name_of(); }
};
std::string operator<<(const worker&, int)
{
    return name_of();
}

} // namespace

TEST_CASE("what a function returns is no part of its name")
{
    CHECK(readable_name("int main()") == "main()");
    CHECK(readable_name("weft::task<> look()") == "look()");
    CHECK(readable_name("weft::v0_1::task<int> a::look(weft::v0_1::channel<int>)") ==
          "a::look(weft::channel<int>)");
    CHECK(readable_name("const std::map<int, std::vector<int> >& a::f(int (*)(char), T) const "
                        "[with T = int]") == "a::f(int (*)(char), T) const [with T = int]");
    CHECK(readable_name("weft::task<(anonymous namespace)::x> (anonymous namespace)::f(int)") ==
          "(anonymous namespace)::f(int)");
    CHECK(readable_name("task<> {anonymous}::f(int)") == "{anonymous}::f(int)");
}

TEST_CASE("GCC's frames of coroutines have the user's name")
{
    CHECK(readable_name("void look(look()::_Z4lookv.Frame*)") == "look()");
    CHECK(readable_name("void a::look(a::look(int, char)::_ZN1a4lookEic.Frame*)") ==
          "a::look(int, char)");
    CHECK(readable_name("void strange.Frame*)") == "void strange.Frame*)");
}

TEST_CASE("operators and lambdas keep theirs")
{
    CHECK(readable_name("std::ostream& a::operator<<(std::ostream&, int)") ==
          "a::operator<<(std::ostream&, int)");
    CHECK(readable_name("bool a::operator<(const a&) const") == "a::operator<(const a&) const");
    CHECK(readable_name("a::operator unsigned int() const") == "a::operator unsigned int() const");
    CHECK(readable_name("task<> operator_of(int)") == "operator_of(int)");
    CHECK(readable_name("main()::<lambda(int)>") == "main()::<lambda(int)>");
    CHECK(readable_name("auto main()::(anonymous class)::operator()(int) const") ==
          "main()::(anonymous class)::operator()(int) const");
}

TEST_CASE("what is no function stays as it is")
{
    for (const std::string_view name :
         {"", " ", "(", ")", "<", "f", "operator", "a b", "((((", "))))"})
        CHECK(readable_name(name) == name);
}

TEST_CASE("of this compiler's names")
{
    CHECK(weft::run([]() -> task<std::string> {
              co_return co_await worker().name(1);
          }).find("worker::name(int)") != std::string::npos);
    CHECK(weft::run([]() -> task<std::string> {
              co_return co_await worker().name(1);
          }).find("task<") == std::string::npos);
    CHECK(std::string(worker()).find("worker::operator ") != std::string::npos);
    CHECK((worker() << 1).find("operator<<(") != std::string::npos);
    CHECK((worker() << 1).find("basic_string") != 0);
}
