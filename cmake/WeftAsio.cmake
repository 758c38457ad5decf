# Standalone Asio as the target asio::asio, from a directory that has asio.hpp.
# Used by the build (third_party/) and, installed beside it, by weftConfig.cmake.

set(WEFT_ASIO_MINIMUM 1.30.0)

# The version of the Asio in `include_dir`, or "" where there is none.
function(weft_asio_version result include_dir)
    set(${result} "" PARENT_SCOPE)
    if(EXISTS "${include_dir}/asio.hpp" AND EXISTS "${include_dir}/asio/version.hpp")
        # 103002 is 1.30.2
        file(STRINGS "${include_dir}/asio/version.hpp" line REGEX "^#define ASIO_VERSION [0-9]+")
        if(line MATCHES "ASIO_VERSION ([0-9]+)([0-9][0-9][0-9])([0-9][0-9])")
            math(EXPR minor "1${CMAKE_MATCH_2} - 1000")
            math(EXPR patch "1${CMAKE_MATCH_3} - 100")
            set(${result} "${CMAKE_MATCH_1}.${minor}.${patch}" PARENT_SCOPE)
        endif()
    endif()
endfunction()

# Makes asio::asio of the headers in `include_dir`; the caller has found Threads. The version stays
# with the target as its property WEFT_ASIO_VERSION.
function(weft_add_asio_target include_dir)
    weft_asio_version(version "${include_dir}")
    add_library(asio::asio INTERFACE IMPORTED GLOBAL)
    set_target_properties(asio::asio PROPERTIES WEFT_ASIO_VERSION "${version}")
    # Imported targets are SYSTEM: Asio's own warnings stay silent.
    target_include_directories(asio::asio INTERFACE "${include_dir}")
    target_compile_definitions(asio::asio INTERFACE ASIO_STANDALONE)
    target_link_libraries(asio::asio INTERFACE Threads::Threads)
    if(WIN32)
        target_link_libraries(asio::asio INTERFACE ws2_32 mswsock)
    endif()
endfunction()

# Looks where WEFT_ASIO_ROOT points, else in the usual places. Sets `result` to the include
# directory of an Asio that is new enough, else to "" and `reason` to a sentence about what is there.
function(weft_find_asio result reason)
    set(${result} "" PARENT_SCOPE)
    if(WEFT_ASIO_ROOT)
        find_path(dir asio.hpp NO_CACHE NO_DEFAULT_PATH
                  PATHS "${WEFT_ASIO_ROOT}" PATH_SUFFIXES include asio/include)
        set(place "in WEFT_ASIO_ROOT=${WEFT_ASIO_ROOT}")
    else()
        find_path(dir asio.hpp NO_CACHE)
        set(place "on this machine")
    endif()
    if(NOT dir)
        set(${reason} "there is no asio.hpp ${place}" PARENT_SCOPE)
        return()
    endif()
    string(REGEX REPLACE "/$" "" dir "${dir}")
    weft_asio_version(version "${dir}")
    if(NOT version OR version VERSION_LESS WEFT_ASIO_MINIMUM)
        set(${reason} "the Asio in ${dir} is ${version}" PARENT_SCOPE)
        return()
    endif()
    set(${result} "${dir}" PARENT_SCOPE)
endfunction()
