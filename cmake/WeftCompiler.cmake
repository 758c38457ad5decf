# Refuses the compilers that cannot build weft, each with one sentence that says what to do.

# GCC 11 and older crash on, or miscompile, coroutine frames with non-trivial temporaries.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
    message(FATAL_ERROR "weft needs GCC 12 or newer, but ${CMAKE_CXX_COMPILER} is GCC "
        "${CMAKE_CXX_COMPILER_VERSION}: install a newer g++ and configure a fresh build "
        "directory with -DCMAKE_CXX_COMPILER=<that g++>.")
endif()

# clang before 19 miscompiles coroutines that resume on another thread.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
    message(FATAL_ERROR "weft needs clang 19 or newer, but ${CMAKE_CXX_COMPILER} is clang "
        "${CMAKE_CXX_COMPILER_VERSION}: install clang-19 and configure a fresh build directory "
        "with -DCMAKE_CXX_COMPILER=clang++-19.")
endif()

# Apple counts on its own: its clang 17 is the first one that stands on LLVM 19.
if(CMAKE_CXX_COMPILER_ID STREQUAL "AppleClang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
    message(FATAL_ERROR "weft needs Apple clang 17 or newer, but ${CMAKE_CXX_COMPILER} is "
        "${CMAKE_CXX_COMPILER_VERSION}: install Xcode 16.3 or newer.")
endif()
