# Finds an installed llhttp; used by the build and, for a static weft::http, by its package file.

set(WEFT_LLHTTP_MINIMUM 9.2)

# Sets `result` to an installed llhttp's library, or to "" and `reason` to why not.
function(weft_find_llhttp result reason)
    set(${result} "" PARENT_SCOPE)
    find_path(dir llhttp.h NO_CACHE)
    find_library(library llhttp NO_CACHE)
    if(NOT dir OR NOT library)
        set(${reason} "it is not installed" PARENT_SCOPE)
        return()
    endif()
    set(version "")
    foreach(part MAJOR MINOR)
        file(STRINGS "${dir}/llhttp.h" line REGEX "^#define LLHTTP_VERSION_${part} ")
        string(REGEX REPLACE "[^0-9]" "" number "${line}")
        string(APPEND version "${number}.")
    endforeach()
    string(REGEX REPLACE "\\.$" "" version "${version}")
    if(version VERSION_LESS WEFT_LLHTTP_MINIMUM)
        set(${reason} "the installed one is ${version}" PARENT_SCOPE)
        return()
    endif()
    set(${result} "${library}" PARENT_SCOPE)
endfunction()

function(weft_add_llhttp_target library)
    find_path(dir llhttp.h NO_CACHE)
    add_library(llhttp::llhttp UNKNOWN IMPORTED GLOBAL)
    set_target_properties(llhttp::llhttp PROPERTIES
        IMPORTED_LOCATION "${library}" INTERFACE_INCLUDE_DIRECTORIES "${dir}")
endfunction()
