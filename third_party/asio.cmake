# The target asio::asio: standalone Asio 1.30 or newer, from the first of
#   1. a target that the parent project already has,
#   2. WEFT_ASIO_ROOT,
#   3. an installed Asio,
#   4. a pinned package of a newer Debian suite, unpacked into WEFT_DEPS_CACHE,
#   5. the pinned upstream release, likewise.
# WEFT_ASIO_VERSION skips 2 and 3.

include(${CMAKE_CURRENT_LIST_DIR}/../cmake/WeftAsio.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/WeftFetch.cmake)

set(WEFT_ASIO_ROOT "" CACHE PATH "Where to take Asio from: the directory of asio.hpp, or the one above")
set(WEFT_ASIO_VERSION "" CACHE STRING
    "Use this pinned Asio (1.36.0 or 1.30.2), whatever is installed; empty: installed, else 1.36.0")
set_property(CACHE WEFT_ASIO_VERSION PROPERTY STRINGS "" 1.36.0 1.30.2)

# Shared by all presets, so that one fetch serves them all, also offline.
if(PROJECT_IS_TOP_LEVEL)
    set(default_cache "${PROJECT_SOURCE_DIR}/build/_deps_cache")
else()
    set(default_cache "${CMAKE_BINARY_DIR}/_deps_cache")
endif()
set(WEFT_DEPS_CACHE "${default_cache}" CACHE PATH "Where fetched packages are unpacked")

set(asio_1.36.0_package pool/main/a/asio/libasio-dev_1.36.0-1_all.deb
    e4434d60a3d6eb09b87d36831a9dbb8197dda1b1f3679d7080f17a9fdb8805ef)
set(asio_1.36.0_release 0310a76b27e1854f09f696b30de57dc490b5e1b17faed1eb8c9a2891f956e52b)
set(asio_1.30.2_package pool/main/a/asio/libasio-dev_1.30.2-1_all.deb
    6661df94512655bfed7ee7a304b71f7d3494e023d7f4622d6f95622b76620768)
set(asio_1.30.2_release 755bd7f85a4b269c67ae0ea254907c078d408cce8e1a352ad2ed664d233780e8)

# Sets `result` to the include directory of the pinned `version`, or "" if it cannot be had.
function(weft_fetch_asio result version)
    set(${result} "" PARENT_SCOPE)
    string(REPLACE "." "-" tag "asio-${version}")
    set(directory "${WEFT_DEPS_CACHE}/asio-${version}")
    weft_fetch(fetched "${directory}" DEBIAN ${asio_${version}_package})
    if(NOT fetched)
        weft_fetch(fetched "${directory}"
            URL "https://github.com/chriskohlhoff/asio/archive/refs/tags/${tag}.tar.gz"
                ${asio_${version}_release})
    endif()
    if(fetched)
        find_path(dir asio.hpp NO_CACHE NO_DEFAULT_PATH PATHS "${directory}"
                  PATH_SUFFIXES usr/include asio-${tag}/asio/include asio-${tag}/include)
        string(REGEX REPLACE "/$" "" dir "${dir}")
        set(${result} "${dir}" PARENT_SCOPE)
    endif()
endfunction()

# The parent's Asio has no version of its own to ask: read it from its headers, where those can be seen.
function(weft_check_parent_asio target)
    get_target_property(dirs ${target} INTERFACE_INCLUDE_DIRECTORIES)
    foreach(dir IN LISTS dirs)
        string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" dir "${dir}")
        weft_asio_version(version "${dir}")
        if(version AND version VERSION_LESS WEFT_ASIO_MINIMUM)
            message(FATAL_ERROR "weft needs Asio 1.30 or newer, but this project's target ${target} "
                "is Asio ${version} (${dir}): give the project a newer one.")
        endif()
    endforeach()
    message(STATUS "Asio: the parent project's target ${target}")
endfunction()

if(TARGET asio::asio)
    weft_check_parent_asio(asio::asio)
    return()
elseif(TARGET asio)
    weft_check_parent_asio(asio)
    add_library(asio::asio INTERFACE IMPORTED GLOBAL)
    target_link_libraries(asio::asio INTERFACE asio)
    return()
endif()

set(asio_dir "")
if(WEFT_ASIO_VERSION)
    if(NOT DEFINED asio_${WEFT_ASIO_VERSION}_package)
        message(FATAL_ERROR "WEFT_ASIO_VERSION=${WEFT_ASIO_VERSION} is not one that weft pins: use "
            "1.36.0 or 1.30.2, or point WEFT_ASIO_ROOT to another Asio.")
    endif()
    set(asio_candidates ${WEFT_ASIO_VERSION})
else()
    weft_find_asio(asio_dir asio_reason)
    if(WEFT_ASIO_ROOT AND NOT asio_dir)
        message(FATAL_ERROR "weft needs Asio 1.30 or newer, but ${asio_reason}: point WEFT_ASIO_ROOT "
            "to a newer one, or leave it empty and weft finds one.")
    endif()
    # A stable suite keeps its packages for years, a newer one moves on: hence a second choice.
    set(asio_candidates 1.36.0 1.30.2)
endif()

foreach(version IN LISTS asio_candidates)
    if(NOT asio_dir)
        weft_fetch_asio(asio_dir ${version})
    endif()
endforeach()
if(NOT asio_dir)
    message(FATAL_ERROR "weft needs Asio 1.30 or newer, which is not installed and could not "
        "be downloaded: connect to the network once, install libasio-dev 1.30 or newer, or pass "
        "-DWEFT_ASIO_ROOT=<directory of asio.hpp>.")
endif()

weft_add_asio_target("${asio_dir}")
get_target_property(asio_version asio::asio WEFT_ASIO_VERSION)
message(STATUS "Asio: ${asio_version} in ${asio_dir}")
