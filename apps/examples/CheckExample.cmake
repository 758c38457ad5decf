# Runs PROGRAM and compares what it prints with the comment at the end of SOURCE, as Go does:
#   // Output:
#   // hello
# "// Unordered output:" if the lines may come in any order.
cmake_minimum_required(VERSION 3.25)

file(READ "${SOURCE}" source)
if(NOT source MATCHES "\n// (Output|Unordered output):\n(.*)$")
    message(FATAL_ERROR "${SOURCE} does not end with what it prints.")
endif()
set(kind "${CMAKE_MATCH_1}")
string(REGEX REPLACE "(^|\n)// ?" "\\1" expected "${CMAKE_MATCH_2}")

string(REGEX MATCHALL "\n" lines "${source}")
list(LENGTH lines lines)
if(lines GREATER 80)
    message(FATAL_ERROR "${SOURCE} has ${lines} lines; an example has at most 80.")
endif()

execute_process(COMMAND "${PROGRAM}" RESULT_VARIABLE status OUTPUT_VARIABLE printed)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "exit status ${status}; it printed:\n${printed}")
endif()
if(kind STREQUAL "Unordered output")
    foreach(text expected printed)
        string(REPLACE "\n" ";" lines "${${text}}")
        list(SORT lines)
        string(REPLACE ";" "\n" ${text} "${lines}")
    endforeach()
endif()
if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "It printed:\n${printed}\ninstead of:\n${expected}")
endif()
