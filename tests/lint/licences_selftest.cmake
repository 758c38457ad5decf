# The licence check must also find a file without one.
#   cmake -DCHECK=<CheckLicences.cmake> -DTREE=<scratch directory> -P licences_selftest.cmake
cmake_minimum_required(VERSION 3.25)

# expect(<what the check must say> <text of a source file>)
function(expect said text)
    file(REMOVE_RECURSE "${TREE}")
    file(WRITE "${TREE}/lib/good.hpp" "// SPDX-License-Identifier: BSL-1.0\n")
    file(WRITE "${TREE}/apps/deep/down/other.cpp" "${text}\n")
    execute_process(COMMAND "${CMAKE_COMMAND}" "-DROOT=${TREE}" -P "${CHECK}"
                    OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT output MATCHES "${said}")
        message(FATAL_ERROR "expected '${said}', but the check said: ${output}")
    endif()
endfunction()

expect("2 source files" "// Copyright\n// SPDX-License-Identifier: BSL-1.0")
expect("lack a line.*deep/down/other.cpp" "// Copyright")
expect("lack a line.*deep/down/other.cpp" "// SPDX-License-Identifier:")
