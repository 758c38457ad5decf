# Asks a test program for its cases and writes a CTest file with one test per case. doctest brings a
# script for this, but that one breaks names with a semicolon or a bracket and hands on one value per
# property.
#   cmake -DPROGRAM= -DPREFIX= -DLABEL= -DTIMEOUT= -DENVIRONMENT= -DOUTPUT= -P DiscoverTests.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${PROGRAM}" --list-test-cases --no-colors=true
                OUTPUT_VARIABLE output RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} cannot list its test cases (${status}): ${output}")
endif()

set(script "")
set(count 0)
set(expected -1)
# Line by line with a regular expression: a name is never an element of a CMake list.
while(output MATCHES "^([^\n]*)\n(.*)$")
    set(line "${CMAKE_MATCH_1}")
    set(output "${CMAKE_MATCH_2}")
    if(line MATCHES "^\\[doctest\\].*filters: ([0-9]+)")
        set(expected ${CMAKE_MATCH_1})
    elseif(NOT line MATCHES "^(\\[doctest\\].*|=+)?$")
        math(EXPR count "${count} + 1")
        string(REPLACE "," "\\," filter "${line}")
        # doctest ends well when a filter matches nothing: a case that is not found must fail.
        string(APPEND script
            "add_test([==[${PREFIX}${line}]==] [==[${PROGRAM}]==] [==[--test-case=${filter}]==])\n"
            "set_tests_properties([==[${PREFIX}${line}]==] PROPERTIES TIMEOUT ${TIMEOUT}\n"
            "    LABELS [==[${LABEL}]==] ENVIRONMENT [==[${ENVIRONMENT}]==]\n"
            "    FAIL_REGULAR_EXPRESSION [==[test cases: +0]==])\n")
    endif()
endwhile()
if(NOT count EQUAL expected)
    message(FATAL_ERROR "${PROGRAM} lists ${count} test cases, but says that it has ${expected}.")
endif()
file(WRITE "${OUTPUT}" "${script}")
