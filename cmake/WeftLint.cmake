# Targets: lint (lint-format and lint-tidy), and format, which rewrites. One version of the tools,
# because each clang-format formats differently; without them the targets say what is missing.
#   cmake --build --preset lint          cmake --build --preset lint --target format

function(weft_lint_target target tool)
    find_program(WEFT_${tool} ${tool})
    mark_as_advanced(WEFT_${tool})
    if(NOT WEFT_${tool})
        add_custom_target(${target}
            COMMAND ${CMAKE_COMMAND} -E echo "${target} needs ${tool}: install it and configure again."
            COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
    else()
        add_custom_target(${target} ${ARGN} VERBATIM)
    endif()
endfunction()

set(format_script ${CMAKE_CURRENT_LIST_DIR}/Format.cmake)
weft_lint_target(lint-format clang-format-19
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DMODE=--dry-run -P ${format_script})
weft_lint_target(format clang-format-19
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DMODE=-i -P ${format_script})

# The library's own sources, and through them its headers (HeaderFilterRegex in .clang-tidy).
set(sources "")
set(headers "")
foreach(library weft weft_testing)
    get_target_property(some ${library} SOURCES)
    list(APPEND sources ${some})
    foreach(set HEADER_SET HEADER_SET_begun HEADER_SET_details)
        get_target_property(some ${library} ${set})
        list(APPEND headers ${some})
    endforeach()
endforeach()
list(FILTER sources INCLUDE REGEX "\\.cpp$")
set(tidied "")
foreach(source IN LISTS sources)
    set(stamp ${CMAKE_CURRENT_BINARY_DIR}/tidy/${source}.stamp)
    get_filename_component(dir ${stamp} DIRECTORY)
    file(MAKE_DIRECTORY ${dir})
    add_custom_command(OUTPUT ${stamp}
        COMMAND clang-tidy-19 --quiet -p ${CMAKE_BINARY_DIR} ${PROJECT_SOURCE_DIR}/lib/${source}
        COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
        DEPENDS ${PROJECT_SOURCE_DIR}/lib/${source} ${headers} ${PROJECT_SOURCE_DIR}/.clang-tidy
        COMMENT "clang-tidy ${source}" VERBATIM)
    list(APPEND tidied ${stamp})
endforeach()
weft_lint_target(lint-tidy clang-tidy-19 DEPENDS ${tidied})

add_custom_target(lint)
add_dependencies(lint lint-format lint-tidy)
