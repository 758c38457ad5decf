# What weft's own targets are compiled with. Everything here is PRIVATE: a program that links weft
# sees none of these flags.

set(WEFT_SANITIZE "" CACHE STRING "Sanitizers for weft's own targets: empty, address,undefined or thread")
set_property(CACHE WEFT_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")
if(WEFT_SANITIZE MATCHES "thread" AND WEFT_SANITIZE MATCHES "address")
    message(FATAL_ERROR "WEFT_SANITIZE=${WEFT_SANITIZE} names thread and address together, which "
        "no compiler supports: use two build directories.")
endif()

set(WEFT_TEST_FLAGS "" CACHE STRING "More options for the compiler, for what only tests are made of")

# A test program is linked in half the time by gold, and for a sanitizer by lld, where there is one.
if(PROJECT_IS_TOP_LEVEL AND CMAKE_BUILD_TYPE STREQUAL "Debug")
    include(CheckLinkerFlag)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        check_linker_flag(CXX -fuse-ld=gold WEFT_HAVE_GOLD)
    elseif(WEFT_SANITIZE)
        check_linker_flag(CXX -fuse-ld=lld WEFT_HAVE_LLD)
    endif()
    if(WEFT_HAVE_GOLD)
        add_link_options(-fuse-ld=gold)
    elseif(WEFT_HAVE_LLD)
        add_link_options(-fuse-ld=lld)
    endif()
endif()

# weft_own_target(<target>): C++20 without extensions, warnings and sanitizers.
function(weft_own_target target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    weft_warnings(${target})
    weft_sanitizers(${target})
endfunction()

function(weft_warnings target)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${WEFT_WERROR}>:/WX>)
        return()
    endif()
    target_compile_options(${target} PRIVATE
        -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
        -Wundef $<$<BOOL:${WEFT_WERROR}>:-Werror>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC's flow analysis does not understand coroutine frames: it reports members of the frame
        # as uninitialised, and pairs the promise's operator new with the wrong delete.
        target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
        if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
            # It also takes the frame's address for one that dangles.
            target_compile_options(${target} PRIVATE -Wno-dangling-pointer -Wno-dangling-reference)
        endif()
    endif()
endfunction()

function(weft_sanitizers target)
    if(NOT WEFT_SANITIZE)
        return()
    endif()
    target_compile_options(${target} PRIVATE
        -fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${WEFT_SANITIZE})
    if(WEFT_SANITIZE MATCHES "thread")
        # Asio before 1.38.2 orders its handlers with stand-alone fences, which TSan cannot see.
        # All own targets must agree on this macro: it changes inline code in Asio.
        target_compile_definitions(${target} PRIVATE ASIO_DISABLE_FENCED_BLOCK)
    endif()
endfunction()

# weft_few_pieces(<target>): takes a third of the time from nothing, more after a change; and hides what a file forgot to
# include, so something else has to compile the same files alone.
function(weft_few_pieces target)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -Wno-subobject-linkage) # takes the files of a piece for headers
    endif()
endfunction()
