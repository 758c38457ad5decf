# Configures, builds and runs the stranger's project in the directory WAY.
cmake_minimum_required(VERSION 3.25)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed: ${command}")
    endif()
endfunction()

file(REMOVE_RECURSE "${SCRATCH}")
if(WAY STREQUAL "find_package")
    run("${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${SCRATCH}/prefix")
    set(where "-DCMAKE_PREFIX_PATH=${SCRATCH}/prefix")
else()
    set(where "-DWEFT_SOURCE=${SOURCE}")
endif()
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${WAY}" -B "${SCRATCH}/build" -G "${GENERATOR}"
    "-DCMAKE_BUILD_TYPE=${CONFIG}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DWEFT_ASIO_ROOT=${ASIO}" "-DWEFT_DEPS_CACHE=${CACHE}" "${where}")
run("${CMAKE_COMMAND}" --build "${SCRATCH}/build" --config "${CONFIG}" --target stranger)
find_program(stranger stranger PATHS "${SCRATCH}/build" PATH_SUFFIXES "${CONFIG}" NO_DEFAULT_PATH)
run("${stranger}")
if(HTTP AND WAY STREQUAL "find_package")
    find_program(http_stranger http_stranger PATHS "${SCRATCH}/build" PATH_SUFFIXES "${CONFIG}" NO_DEFAULT_PATH)
    run("${http_stranger}")
endif()
