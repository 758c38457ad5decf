# Writes a C++ source that holds a file, byte for byte.
#   cmake -DPAGE=<page.html> -DHEADER=<its header> -DNAMESPACE=<a::b> -DNAME=<function> -DOUTPUT=<page.cpp> -P EmbedPage.cmake
# Numbers, not a string literal: compilers limit the length of one, some to 16 KB and to 64 KB after concatenation.
cmake_minimum_required(VERSION 3.25)

file(READ "${PAGE}" bytes HEX)
if(bytes STREQUAL "")
    message(FATAL_ERROR "${PAGE} is empty.")
endif()
string(REPEAT "[0-9a-f]" 40 twenty) # bytes a line
string(REGEX REPLACE "(${twenty})" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "\n$" "" bytes "${bytes}")
string(REPLACE "\n" "\n    " bytes "${bytes}")
get_filename_component(page_name "${PAGE}" NAME)
file(WRITE "${OUTPUT}" "// Made of ${page_name} by EmbedPage.cmake.
#include \"${HEADER}\"

namespace ${NAMESPACE} {

static constexpr unsigned char bytes[] = {
    ${bytes}
};

std::string_view ${NAME}() noexcept
{
    return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

} // namespace ${NAMESPACE}
")
