# The floor check must also find what is wrong: a small tree with one fault of each kind.
#   cmake -DCHECK=<CheckFloors.cmake> -DTREE=<scratch directory> -P floors_selftest.cmake
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE "${TREE}")
file(WRITE "${TREE}/floors.txt" "0 low.hpp\n1 high.hpp\n2 top/*\n")

# expect(<what the check must say> <low.hpp> <high.hpp> <another header> <its text>)
function(expect said low high other text)
    file(REMOVE_RECURSE "${TREE}/include")
    file(WRITE "${TREE}/include/weft/low.hpp" "${low}\n")
    file(WRITE "${TREE}/include/weft/high.hpp" "${high}\n")
    file(WRITE "${TREE}/include/weft/${other}" "${text}\n")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" "-DROOT=${TREE}/include" "-DFLOORS=${TREE}/floors.txt" -P "${CHECK}"
        OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT output MATCHES "${said}")
        message(FATAL_ERROR "expected '${said}', but the check said: ${output}")
    endif()
endfunction()

set(high "#include <weft/low.hpp>")
expect("3 headers, all in order" "" "${high}" top/any.hpp "#include <weft/high.hpp>")
expect("low.hpp \\(floor 0\\) includes upward: high.hpp" "#include <weft/high.hpp>" "" top/any.hpp "")
expect("include cycle" "" "${high}" top/any.hpp "#  include <weft/top/any.hpp>")
expect("new.hpp has no floor" "" "${high}" new.hpp "")
expect("as <weft/" "" "#include \"low.hpp\"" top/any.hpp "")
expect("does not exist" "" "#include <weft/lost.hpp>" top/any.hpp "")
