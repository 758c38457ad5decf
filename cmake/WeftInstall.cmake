# What `cmake --install` installs: component `runtime` is what a finished program needs, `dev` what its build needs.
# Included by lib/CMakeLists.txt, after its targets.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A fetched Asio is nowhere else on the machine: it goes along, in a directory of its own.
get_target_property(weft_built_with_asio asio::asio WEFT_ASIO_VERSION)
get_target_property(weft_asio_dir asio::asio INTERFACE_INCLUDE_DIRECTORIES)
set(weft_asio_is_fetched OFF)
if(weft_built_with_asio)
    cmake_path(IS_PREFIX WEFT_DEPS_CACHE "${weft_asio_dir}" NORMALIZE weft_asio_is_fetched)
else() # the parent project's
    set(weft_built_with_asio "")
endif()
option(WEFT_INSTALL_ASIO "Install the headers of the Asio that weft was built with, for weft's users alone"
    ${weft_asio_is_fetched})
set(weft_private_asio "")
if(WEFT_INSTALL_ASIO AND weft_built_with_asio)
    set(weft_private_asio ${CMAKE_INSTALL_INCLUDEDIR}/weft-asio)
    install(FILES ${weft_asio_dir}/asio.hpp DESTINATION ${weft_private_asio} COMPONENT dev)
    install(DIRECTORY ${weft_asio_dir}/asio DESTINATION ${weft_private_asio} COMPONENT dev
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
endif()

# A targets file for each component of find_package: one that is not installed is not there.
set(weft_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
foreach(library IN LISTS weft_libraries)
    install(TARGETS ${library} EXPORT ${library}Targets
        RUNTIME COMPONENT runtime
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
        ARCHIVE COMPONENT dev
        FILE_SET HEADERS COMPONENT dev
        FILE_SET begun COMPONENT dev
        FILE_SET details COMPONENT dev)
    install(EXPORT ${library}Targets NAMESPACE weft:: DESTINATION ${weft_package_dir} COMPONENT dev)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/lib/gdb/weft-gdb.py
    DESTINATION ${CMAKE_INSTALL_DATADIR}/weft/gdb COMPONENT dev)

set(weft_http_needs_llhttp OFF)
if(WEFT_BUILD_HTTP AND NOT WEFT_LLHTTP_OBJECTS)
    set(weft_http_needs_llhttp ON)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in weftConfig.cmake
    INSTALL_DESTINATION ${weft_package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/weftConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/weftConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/WeftAsio.cmake
    ${PROJECT_SOURCE_DIR}/cmake/WeftLlhttp.cmake
    DESTINATION ${weft_package_dir} COMPONENT dev)

# pkg-config. A static library leaves its own needs to the program to link; a shared one has linked them.
file(RELATIVE_PATH weft_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
set(weft_pc_asio "")
if(weft_private_asio)
    set(weft_pc_asio "-isystem \${prefix}/${weft_private_asio} ")
endif()
set(weft_pc_needs "")
set(weft_http_pc_needs "")
set(weft_http_pc_libs "")
if(NOT BUILD_SHARED_LIBS)
    set(weft_pc_needs "spdlog")
    if(WEFT_HTTP_TLS)
        set(weft_http_pc_needs ", openssl")
    endif()
    if(weft_http_needs_llhttp)
        set(weft_http_pc_libs " -lllhttp")
    endif()
endif()
set(weft_pc_files weft weft-testing)
if(WEFT_BUILD_HTTP)
    list(APPEND weft_pc_files weft-http)
endif()
foreach(file IN LISTS weft_pc_files)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${file}.pc.in ${file}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endforeach()
