# Uses weft as a stranger does, in the given WAY.
cmake_minimum_required(VERSION 3.25)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed: ${command}")
    endif()
endfunction()

# What a build here has in common with the one that the tests belong to.
set(as_here -G "${GENERATOR}" "-DCMAKE_BUILD_TYPE=${CONFIG}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
# Where weft itself is built: in few pieces, which takes a quarter of the time.
set(weft_as_here "-DWEFT_DEPS_CACHE=${CACHE}" "-DWEFT_ASIO_ROOT=${ASIO}" -DCMAKE_UNITY_BUILD=ON)

# configure(<project> <option>...), build_and_run(<program>...): in SCRATCH/build.
function(configure project)
    run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${project}" -B "${SCRATCH}/build" ${as_here} ${ARGN})
endfunction()
function(build_and_run)
    run("${CMAKE_COMMAND}" --build "${SCRATCH}/build" --config "${CONFIG}" --target ${ARGN})
    foreach(name IN LISTS ARGN)
        find_program(program ${name} PATHS "${SCRATCH}/build" PATH_SUFFIXES "${CONFIG}" NO_DEFAULT_PATH NO_CACHE REQUIRED)
        run("${program}")
        unset(program)
    endforeach()
endfunction()

# expect_refusal(<regex> <option>...): the stranger's find_package fails with these words.
function(expect_refusal regex)
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/components" -B "${SCRATCH}/build" ${as_here}
                "-DCMAKE_PREFIX_PATH=${PREFIX}" ${ARGN}
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
    string(REGEX REPLACE "[ \n]+" " " said "${said}") # CMake breaks lines
    if(status EQUAL 0 OR NOT said MATCHES "${regex}")
        message(FATAL_ERROR "expected a failure that says \"${regex}\", got status ${status} and: ${said}")
    endif()
    file(REMOVE_RECURSE "${SCRATCH}/build")
endfunction()

# pkg_config(<result> <argument>...): what it prints, as a list.
function(pkg_config result)
    find_program(pkg_config NAMES pkg-config pkgconf NO_CACHE REQUIRED)
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -E env "PKG_CONFIG_PATH=${PREFIX}/${LIBDIR}/pkgconfig" "${pkg_config}" ${ARGN}
        OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "pkg-config ${ARGN} failed")
    endif()
    separate_arguments(said UNIX_COMMAND "${said}")
    set(${result} "${said}" PARENT_SCOPE)
endfunction()

# An Asio that is not installed along has to be named.
set(where "-DCMAKE_PREFIX_PATH=${PREFIX}")
if(NOT ASIO_INSTALLED)
    list(APPEND where "-DWEFT_ASIO_ROOT=${ASIO}")
endif()
set(programs stranger)
if(HTTP)
    list(APPEND programs http_stranger library_stranger)
endif()

file(REMOVE_RECURSE "${SCRATCH}")
file(MAKE_DIRECTORY "${SCRATCH}")
if(WAY STREQUAL "install")
    file(REMOVE_RECURSE "${PREFIX}")
    run("${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${PREFIX}")
elseif(WAY STREQUAL "build_shared")
    file(REMOVE_RECURSE "${PREFIX}")
    run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${SCRATCH}/build" ${as_here} ${weft_as_here} "-DCMAKE_INSTALL_LIBDIR=${LIBDIR}"
        -DBUILD_SHARED_LIBS=ON -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_APPS=OFF "-DWEFT_BUILD_HTTP=${HTTP}"
        "-DWEFT_HTTP_TLS=${TLS}" "-DWEFT_INSTALL_ASIO=${ASIO_INSTALLED}")
    run("${CMAKE_COMMAND}" --build "${SCRATCH}/build" --config "${CONFIG}")
    # What a finished program needs is the libraries under their own names, and nothing else.
    run("${CMAKE_COMMAND}" --install "${SCRATCH}/build" --config "${CONFIG}" --prefix "${SCRATCH}/runtime"
        --component runtime)
    file(GLOB_RECURSE runtime LIST_DIRECTORIES false RELATIVE "${SCRATCH}/runtime" "${SCRATCH}/runtime/*")
    list(FILTER runtime EXCLUDE REGEX "^${LIBDIR}/libweft(_http|_testing)?\\.so\\.[0-9.]+$")
    if(runtime OR (UNIX AND NOT APPLE AND NOT EXISTS "${SCRATCH}/runtime/${LIBDIR}/libweft.so.0.1"))
        message(FATAL_ERROR "the component runtime is not as it should be: ${runtime}")
    endif()
    run("${CMAKE_COMMAND}" --install "${SCRATCH}/build" --config "${CONFIG}" --prefix "${PREFIX}")
    # What weft is made of stays hidden in it.
    find_program(nm nm REQUIRED)
    execute_process(COMMAND "${nm}" -D --defined-only "${PREFIX}/${LIBDIR}/libweft.so" "${PREFIX}/${LIBDIR}/libweft_http.so"
                    OUTPUT_VARIABLE symbols ERROR_QUIET)
    if(NOT symbols MATCHES "throw_misuse" OR symbols MATCHES " llhttp_| weft_[a-z]")
        message(FATAL_ERROR "the shared libraries export the wrong symbols")
    endif()
elseif(WAY STREQUAL "find_package")
    configure(find_package ${where})
    build_and_run(${programs})
elseif(WAY STREQUAL "pkg_config")
    pkg_config(version --modversion weft)
    if(NOT version STREQUAL VERSION)
        message(FATAL_ERROR "weft.pc says version ${version}, not ${VERSION}")
    endif()
    set(modules weft weft-testing)
    if(HTTP)
        list(APPEND modules weft-http)
    endif()
    pkg_config(cflags --cflags ${modules})
    pkg_config(libs --libs ${modules})
    if(NOT ASIO_INSTALLED)
        list(APPEND cflags -isystem "${ASIO}")
    endif()
    list(GET programs -1 name) # the one that uses most
    run(${LAUNCHER} "${COMPILER}" -std=c++20 ${cflags} -c "${CMAKE_CURRENT_LIST_DIR}/${name}.cpp"
        -o "${SCRATCH}/${name}.o")
    run("${COMPILER}" "${SCRATCH}/${name}.o" -o "${SCRATCH}/${name}" ${libs})
    run("${CMAKE_COMMAND}" -E env "LD_LIBRARY_PATH=${PREFIX}/${LIBDIR}" "${SCRATCH}/${name}")
elseif(WAY STREQUAL "components")
    expect_refusal("weft has no component 'https': there are core, http and testing" -DCOMPONENTS=https)
    expect_refusal("compatible with requested version \"0.2\".*version: ${VERSION}" -DVERSION=0.2)
    expect_refusal("compatible with requested version \"0.0.9\"" -DVERSION=0.0.9)
    # As in a distribution that has a package for each.
    file(COPY "${PREFIX}" DESTINATION "${SCRATCH}")
    set(PREFIX "${SCRATCH}/prefix")
    file(REMOVE "${PREFIX}/${LIBDIR}/cmake/weft/weft_httpTargets.cmake")
    expect_refusal("weft's component 'http' is not installed in .*/prefix" -DCOMPONENTS=http)
    configure(components "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DWEFT_ASIO_ROOT=${ASIO}" -DCOMPONENTS=testing)
elseif(WAY STREQUAL "fetch_content")
    if(NOT KIND) # nothing is installed
        set(where "-DCMAKE_DISABLE_FIND_PACKAGE_weft=ON")
    endif()
    configure(fetch_content "-DWEFT_SOURCE=${SOURCE}" "-DEXPECT_INSTALLED=${KIND}" ${where} ${weft_as_here})
    if(KIND) # what it builds otherwise is what add_subdirectory builds
        build_and_run(stranger)
    endif()
else()
    configure(add_subdirectory "-DWEFT_SOURCE=${SOURCE}" ${weft_as_here})
    build_and_run(stranger)
endif()
