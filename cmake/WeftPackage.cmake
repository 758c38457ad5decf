# Debian packages, made by cpack in the preset `package` (./weft package): libweft0.1 with the shared libraries, and
# libweft-dev with what it takes to build with them. They are for the release of Debian they are built on.

option(WEFT_PACKAGE "Prepare Debian packages, for cpack" OFF)
if(NOT WEFT_PACKAGE)
    return()
endif()
if(NOT BUILD_SHARED_LIBS OR NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    message(FATAL_ERROR "WEFT_PACKAGE=ON needs BUILD_SHARED_LIBS=ON and CMAKE_INSTALL_PREFIX=/usr: "
        "use the preset `package`.")
endif()

include(GNUInstallDirs)

# One package for all libraries of one SOVERSION: they are built together and only work together.
set(weft_runtime libweft${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(weft_dev libweft-dev)
find_program(WEFT_GZIP gzip REQUIRED)
mark_as_advanced(WEFT_GZIP)
foreach(component runtime dev)
    set(name ${weft_${component}})
    set(doc ${CMAKE_INSTALL_DATADIR}/doc/${name})
    install(FILES packaging/debian/copyright DESTINATION ${doc} COMPONENT ${component})
    # -n: without the time, so that the same sources make the same package.
    set(changelog ${PROJECT_BINARY_DIR}/packaging/${name}/changelog.gz)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/packaging/${name})
    execute_process(COMMAND ${WEFT_GZIP} -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md
                    OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${changelog} DESTINATION ${doc} COMPONENT ${component})
    install(FILES packaging/debian/${component}.lintian-overrides RENAME ${name}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weft)
set(CPACK_PACKAGE_VENDOR "the weft authors")
set(CPACK_PACKAGE_CONTACT "the weft authors" CACHE STRING "The packages' maintainer, as \"name <address>\"")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(about "Goroutines, channels, select, contexts, timers, the tools of Go's sync
and x/sync, an HTTP server and client, and a kit for deterministic
tests, for C++20 programs on standalone Asio.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${weft_runtime})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "Go's concurrency for C++20 on Asio: shared libraries\n${about}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON) # and the trigger of ldconfig; not by component
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

# Debian 12's libasio-dev is too old, and whose is not may be another than weft was built with: the headers that
# weft was built with are part of the package, under /usr/include/weft-asio, where nobody else sees them.
set(CPACK_DEBIAN_DEV_PACKAGE_NAME ${weft_dev})
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_DESCRIPTION "Go's concurrency for C++20 on Asio: development files\n${about}")
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${weft_runtime} (= ${PROJECT_VERSION})")
include(CPack)
