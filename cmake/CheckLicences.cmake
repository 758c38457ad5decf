# Fails on a source file whose first lines do not name its licence.
#   cmake -DROOT=<checkout> -P CheckLicences.cmake
cmake_minimum_required(VERSION 3.25)

set(kinds cpp hpp c h go py mjs js html sh)
set(patterns ${ROOT}/weft ${ROOT}/.ci/run ${ROOT}/apps/bench/http/run ${ROOT}/apps/relay/page/test
    ${ROOT}/packaging/debian/check ${ROOT}/tests/faults/run) # scripts
foreach(room lib apps tests packaging)
    list(TRANSFORM kinds PREPEND "${ROOT}/${room}/*." OUTPUT_VARIABLE some)
    list(APPEND patterns ${some})
endforeach()
file(GLOB_RECURSE files LIST_DIRECTORIES false ${patterns})
list(REMOVE_DUPLICATES files)

set(complaints "")
foreach(file IN LISTS files)
    file(READ "${file}" head LIMIT 400)
    if(NOT head MATCHES "SPDX-License-Identifier: [A-Za-z0-9.-]+")
        list(APPEND complaints "${file}")
    endif()
endforeach()
if(complaints)
    list(JOIN complaints "\n  " text)
    message(FATAL_ERROR "These files lack a line \"SPDX-License-Identifier: BSL-1.0\" at their top:\n  ${text}")
endif()
list(LENGTH files count)
message(STATUS "licences: ${count} source files, each names its own")
