# Prints the addresses of the Debian archives that this machine's apt uses, one a line.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/WeftFetch.cmake)
weft_debian_mirrors(mirrors)
foreach(mirror IN LISTS mirrors)
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${mirror}")
endforeach()
