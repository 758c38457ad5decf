# Builds TARGET in BUILD and succeeds if that fails with a message that matches REGEX.
cmake_minimum_required(VERSION 3.25)

execute_process(
    COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" --config "${CONFIG}" --target "${TARGET}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    message(FATAL_ERROR "${TARGET} compiles, but must not.")
elseif(NOT output MATCHES "${REGEX}")
    message("${output}")
    message(FATAL_ERROR "${TARGET} fails to compile, but not with a message that matches '${REGEX}'.")
endif()
