# Runs clang-format over all C++ files; MODE is --dry-run (complain) or -i (rewrite).
#   cmake -DSOURCE=<checkout> -DMODE=... -P Format.cmake
cmake_minimum_required(VERSION 3.25)

file(GLOB_RECURSE files
    "${SOURCE}/lib/*.[ch]pp" "${SOURCE}/apps/*.[ch]pp" "${SOURCE}/tests/*.[ch]pp")
execute_process(COMMAND clang-format-19 ${MODE} --Werror ${files} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "The format differs from .clang-format: build the target 'format' to mend it.")
endif()
