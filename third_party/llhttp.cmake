# The target llhttp::llhttp, Node.js's HTTP parser, 9.2 or newer, from the first of
#   1. a target that the parent project already has,
#   2. an installed llhttp,
#   3. a pinned package of a newer Debian suite, unpacked into WEFT_DEPS_CACHE,
#   4. the pinned upstream release, likewise.
# 3 and 4 are C source, compiled here and made part of weft's library: it needs no llhttp once it is built.

include(${CMAKE_CURRENT_LIST_DIR}/../cmake/WeftLlhttp.cmake)

set(llhttp_package pool/main/l/llhttp/libllhttp-source_9.4.3+~cs12.11.9-2_all.deb
    8a70cbc1d310f51a7d5594d258eeb6ef57db6fbc1c58065407c203a03abadf2e)
set(llhttp_release https://github.com/nodejs/llhttp/archive/refs/tags/release/v9.4.3.tar.gz
    1eb813c7437b31a87496a1cd3ed79f00746720f5e7e29c79b42c02cb69f36c39)

set(WEFT_LLHTTP_OBJECTS "" CACHE INTERNAL "What weft_http carries of llhttp")

foreach(target llhttp::llhttp llhttp::llhttp_static llhttp::llhttp_shared llhttp_static llhttp)
    if(TARGET ${target})
        if(NOT target STREQUAL "llhttp::llhttp")
            add_library(llhttp::llhttp INTERFACE IMPORTED GLOBAL)
            target_link_libraries(llhttp::llhttp INTERFACE ${target})
        endif()
        message(STATUS "llhttp: the parent project's target ${target}")
        return()
    endif()
endforeach()

weft_find_llhttp(llhttp_library llhttp_reason)
if(llhttp_library)
    weft_add_llhttp_target("${llhttp_library}")
    message(STATUS "llhttp: ${llhttp_library}")
    return()
endif()

weft_fetch(llhttp_fetched "${WEFT_DEPS_CACHE}/llhttp-9.4.3" DEBIAN ${llhttp_package})
if(NOT llhttp_fetched)
    weft_fetch(llhttp_fetched "${WEFT_DEPS_CACHE}/llhttp-9.4.3" URL ${llhttp_release})
endif()
if(NOT llhttp_fetched)
    message(FATAL_ERROR "weft::http needs llhttp 9.2 or newer, but ${llhttp_reason}, and it could not be "
        "downloaded: connect to the network once, install libllhttp-dev 9.2 or newer, or configure with "
        "-DWEFT_BUILD_HTTP=OFF.")
endif()
find_path(llhttp_dir include/llhttp.h NO_CACHE NO_DEFAULT_PATH PATHS "${WEFT_DEPS_CACHE}/llhttp-9.4.3"
          PATH_SUFFIXES usr/src/llhttp llhttp-release-v9.4.3)

enable_language(C)
add_library(weft_llhttp OBJECT
    ${llhttp_dir}/src/api.c ${llhttp_dir}/src/http.c ${llhttp_dir}/src/llhttp.c)
target_include_directories(weft_llhttp SYSTEM PUBLIC ${llhttp_dir}/include)
set_target_properties(weft_llhttp PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden UNITY_BUILD OFF)
if(CMAKE_C_COMPILER_ID STREQUAL CMAKE_CXX_COMPILER_ID) # their runtimes do not mix
    weft_sanitizers(weft_llhttp)
endif()
add_library(llhttp::llhttp INTERFACE IMPORTED GLOBAL)
target_include_directories(llhttp::llhttp SYSTEM INTERFACE ${llhttp_dir}/include)
set(WEFT_LLHTTP_OBJECTS $<TARGET_OBJECTS:weft_llhttp> CACHE INTERNAL "What weft_http carries of llhttp")
message(STATUS "llhttp: 9.4.3 in ${llhttp_dir}")
