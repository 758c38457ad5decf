# Downloads pinned release packages, checks their SHA256 and unpacks them: no package is installed
# on the machine, no source is committed here. Usable from CMakeLists.txt and from `cmake -P`.

# The Debian archives this machine's apt is configured with: weft names no mirror of its own.
function(weft_debian_mirrors result)
    set(mirrors "")
    find_program(apt_get apt-get NO_CACHE)
    if(apt_get)
        execute_process(
            COMMAND "${apt_get}" indextargets --format "$(ORIGIN)|$(REPO_URI)" "Created-By: Packages"
            OUTPUT_VARIABLE lines ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        string(REPLACE "\n" ";" lines "${lines}")
        # ORIGIN is known only after `apt-get update`; before that, any source may be the one.
        set(debian "${lines}")
        list(FILTER debian INCLUDE REGEX "^Debian\\|")
        if(debian)
            set(lines "${debian}")
        endif()
        # The security archive carries fixes only.
        list(FILTER lines EXCLUDE REGEX "security")
        list(TRANSFORM lines REPLACE "^[^|]*\\|" "")
        list(TRANSFORM lines REPLACE "/$" "")
        list(REMOVE_DUPLICATES lines)
        foreach(uri IN LISTS lines)
            # Cloud images name their mirrors in a file: mirror+file:/etc/apt/mirrors/debian.list
            if(uri MATCHES "^mirror\\+file:/*(/.*)$" AND EXISTS "${CMAKE_MATCH_1}")
                file(STRINGS "${CMAKE_MATCH_1}" entries REGEX "^[a-z]+://")
                list(TRANSFORM entries REPLACE "[ \t].*$" "")
                list(TRANSFORM entries REPLACE "/$" "")
                list(APPEND mirrors ${entries})
            else()
                list(APPEND mirrors "${uri}")
            endif()
        endforeach()
    endif()
    set(${result} "${mirrors}" PARENT_SCOPE)
endfunction()

# Downloads the first of the URLs that delivers a file with this SHA256; `result` tells whether one did.
function(weft_download result file sha256)
    set(${result} FALSE PARENT_SCOPE)
    find_program(apt_helper apt-helper PATHS /usr/lib/apt NO_CACHE)
    foreach(url IN LISTS ARGN)
        message(NOTICE "weft: fetching ${url}")
        set(actual "")
        if(apt_helper)
            # apt knows this machine's proxies and certificates.
            execute_process(
                COMMAND "${apt_helper}" -o APT::Sandbox::User=root -o Acquire::Retries=2
                        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
                        download-file "${url}" "${file}.part" "SHA256:${sha256}"
                OUTPUT_QUIET ERROR_QUIET)
        endif()
        if(NOT EXISTS "${file}.part")
            file(DOWNLOAD "${url}" "${file}.part" INACTIVITY_TIMEOUT 20 STATUS status)
        endif()
        if(EXISTS "${file}.part")
            file(SHA256 "${file}.part" actual)
        endif()
        if(actual STREQUAL sha256)
            file(RENAME "${file}.part" "${file}")
            set(${result} TRUE PARENT_SCOPE)
            return()
        endif()
        file(REMOVE "${file}.part" "${file}.part.FAILED")
    endforeach()
endfunction()

# weft_fetch(<result> <directory> {DEBIAN <pool path> <sha256>}... | URL <url> <sha256>)
# Unpacks all of the packages side by side into <directory>, once: whoever comes later, also from
# another build directory and without a network, finds it there. `result` tells whether it is there.
function(weft_fetch result directory)
    set(${result} TRUE PARENT_SCOPE)
    if(EXISTS "${directory}")
        return()
    endif()
    get_filename_component(cache "${directory}" DIRECTORY)
    file(MAKE_DIRECTORY "${cache}")
    file(LOCK "${cache}" DIRECTORY GUARD FUNCTION)
    if(EXISTS "${directory}") # another configure run was first
        return()
    endif()
    file(REMOVE_RECURSE "${directory}.part")
    file(MAKE_DIRECTORY "${directory}.part")

    set(packages ${ARGN})
    while(packages)
        list(POP_FRONT packages kind location sha256)
        if(kind STREQUAL "DEBIAN")
            weft_debian_mirrors(urls)
            list(TRANSFORM urls APPEND "/${location}")
        else()
            set(urls "${location}")
        endif()
        get_filename_component(name "${location}" NAME)
        weft_download(fetched "${cache}/${name}" ${sha256} ${urls})
        if(fetched AND kind STREQUAL "DEBIAN")
            execute_process(COMMAND dpkg-deb -x "${cache}/${name}" "${directory}.part"
                            RESULT_VARIABLE status)
            if(NOT status EQUAL 0)
                set(fetched FALSE)
            endif()
        elseif(fetched)
            file(ARCHIVE_EXTRACT INPUT "${cache}/${name}" DESTINATION "${directory}.part")
        endif()
        file(REMOVE "${cache}/${name}")
        if(NOT fetched)
            file(REMOVE_RECURSE "${directory}.part")
            set(${result} FALSE PARENT_SCOPE)
            return()
        endif()
    endwhile()
    file(RENAME "${directory}.part" "${directory}")
endfunction()
