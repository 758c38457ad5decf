# What the sanitizers need to know while a test runs, as environment variables; empty without one.
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
        list(APPEND WEFT_TEST_ENVIRONMENT
            "TSAN_OPTIONS=suppressions=${suppressions}:halt_on_error=1:second_deadlock_stack=1${symbolizer}")
    endif()
    if(WEFT_SANITIZE MATCHES "address")
        list(APPEND WEFT_TEST_ENVIRONMENT
            "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1${symbolizer}")
    endif()
    if(WEFT_SANITIZE MATCHES "undefined")
        list(APPEND WEFT_TEST_ENVIRONMENT
            "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1${symbolizer}")
    endif()
endif()

# For the tests of the apps, too, which see the functions below but no variable of this directory.
set(WEFT_TEST_ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}" CACHE INTERNAL "")

# weft_own_test_target(<target>): as weft_own_target, for what only tests are made of.
function(weft_own_test_target target)
    weft_own_target(${target})
    separate_arguments(flags NATIVE_COMMAND "${WEFT_TEST_FLAGS}")
    target_compile_options(${target} PRIVATE ${flags})
    if(WEFT_SANITIZE)
        target_compile_options(${target} PRIVATE -O0) # compiles twice as fast; the library stays at -O1
    endif()
endfunction()

# weft_test(<name> SOURCES <file>... [LIBRARIES <target>...] [TIMEOUT <seconds>])
# Builds the program <name>_test; each TEST_CASE in it is the CTest test "<name>/<case>", labelled
# with the directory of its first source: unit, conformance, stress, ...
function(weft_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBRARIES")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(target ${name}_test)
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE weft_test_support ${arg_LIBRARIES})
    weft_own_test_target(${target})
    target_precompile_headers(${target} REUSE_FROM weft_test_support)

    list(GET arg_SOURCES 0 source)
    get_filename_component(label "${source}" DIRECTORY)
    weft_discovered_tests(${target} ${name} DiscoverTests
        -DPREFIX=${name}/ -DLABEL=${label} -DTIMEOUT=${arg_TIMEOUT})
endfunction()

# weft_discovered_tests(<target> <name> <script> <-D...>...)
# After each build of <target> <script> asks it what tests it has; until then there is <name>/NOT_BUILT.
function(weft_discovered_tests target name script)
    set(script ${PROJECT_SOURCE_DIR}/tests/cmake/${script}.cmake)
    set(cases ${CMAKE_CURRENT_BINARY_DIR}/${target}.cases.cmake)
    add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS ${cases}
        COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}> ${ARGN}
            "-DENVIRONMENT=${WEFT_TEST_ENVIRONMENT}" -DOUTPUT=${cases} -P ${script}
        VERBATIM)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${target}.include.cmake
        "if(EXISTS [==[${cases}]==])\n    include([==[${cases}]==])\n"
        "else()\n    add_test(${name}/NOT_BUILT ${target})\nendif()\n")
    set_property(DIRECTORY APPEND PROPERTY
        TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${target}.include.cmake)
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
