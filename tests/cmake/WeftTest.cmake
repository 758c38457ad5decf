include(${doctest_DIR}/doctest.cmake)

# What the sanitizers need to know while a test runs, as test properties; empty without one.
set(WEFT_TEST_ENVIRONMENT "")
if(WEFT_SANITIZE)
    # Debian's clang calls it llvm-symbolizer-19, which the sanitizers do not look for.
    find_program(WEFT_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer)
    mark_as_advanced(WEFT_SYMBOLIZER)
    if(WEFT_SYMBOLIZER)
        set(symbolizer ":external_symbolizer_path=${WEFT_SYMBOLIZER}")
    endif()
    if(WEFT_SANITIZE MATCHES "thread")
        set(suppressions ${CMAKE_CURRENT_SOURCE_DIR}/support/tsan.supp)
        list(APPEND WEFT_TEST_ENVIRONMENT ENVIRONMENT
            "TSAN_OPTIONS=suppressions=${suppressions}:halt_on_error=1:second_deadlock_stack=1${symbolizer}")
    endif()
    if(WEFT_SANITIZE MATCHES "address")
        list(APPEND WEFT_TEST_ENVIRONMENT ENVIRONMENT
            "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1${symbolizer}")
    endif()
    if(WEFT_SANITIZE MATCHES "undefined")
        # Another property, because doctest's module cannot hand on two values of one.
        list(APPEND WEFT_TEST_ENVIRONMENT ENVIRONMENT_MODIFICATION
            "UBSAN_OPTIONS=set:print_stacktrace=1:halt_on_error=1${symbolizer}")
    endif()
endif()

# weft_test(<name> SOURCES <file>... [LIBRARIES <target>...] [TIMEOUT <seconds>])
# Builds the program <name>_test; each TEST_CASE in it is the CTest test "<name>/<case>".
# A case's name must not contain ; [ ] or a backslash: CMake's lists do not survive them.
function(weft_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBRARIES")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name}_test ${arg_SOURCES})
    target_link_libraries(${name}_test PRIVATE weft_test_support ${arg_LIBRARIES})
    weft_own_target(${name}_test)
    # doctest ends well when a filter matches nothing: a case that is not found must fail.
    doctest_discover_tests(${name}_test TEST_PREFIX "${name}/" PROPERTIES
        TIMEOUT ${arg_TIMEOUT} FAIL_REGULAR_EXPRESSION "test cases: +0" ${WEFT_TEST_ENVIRONMENT})
endfunction()

# weft_compile_fail(<name> <file> <regex>)
# Passes when <file> does not compile and the compiler's message matches <regex>.
function(weft_compile_fail name file regex)
    add_library(compile_fail_${name} OBJECT EXCLUDE_FROM_ALL ${file})
    target_link_libraries(compile_fail_${name} PRIVATE weft::weft)
    weft_own_target(compile_fail_${name})
    add_test(NAME compile_fail/${name}
        COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DCONFIG=$<CONFIG>
            -DTARGET=compile_fail_${name} -DREGEX=${regex}
            -P ${PROJECT_SOURCE_DIR}/tests/cmake/ExpectCompileError.cmake)
    # One build at a time in one build tree.
    set_tests_properties(compile_fail/${name} PROPERTIES
        LABELS compile_fail TIMEOUT 120 RESOURCE_LOCK build_tree)
endfunction()
