# An overlay port: it builds the checkout that it lies in.
#   vcpkg install weft --overlay-ports=<checkout>/packaging/vcpkg
# In a registry, vcpkg_from_github with the release's SHA512 takes the next line's place.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS features
    FEATURES
        http WEFT_BUILD_HTTP
        tls WEFT_HTTP_TLS)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${features}
        -DWEFT_BUILD_TESTS=OFF
        -DWEFT_BUILD_APPS=OFF
        -DWEFT_INSTALL_ASIO=OFF # vcpkg's is used
    MAYBE_UNUSED_VARIABLES WEFT_HTTP_TLS)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/weft)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
