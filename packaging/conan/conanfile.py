# Copyright (c) 2026 the weft authors
# SPDX-License-Identifier: BSL-1.0
"""weft for Conan 2, from this checkout: conan create packaging/conan --build=missing"""

import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir


class Weft(ConanFile):
    name = "weft"
    description = "Go's concurrency for C++20 on standalone Asio"
    license = "BSL-1.0"
    topics = ("coroutines", "concurrency", "channels", "asio", "http")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "http": [True, False], "tls": [True, False]}
    default_options = {"shared": False, "fPIC": True, "http": True, "tls": True}
    implements = ["auto_shared_fpic"]

    @property
    def _checkout(self):
        return Path(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, str(self._checkout / "CMakeLists.txt"))
        self.version = re.search(r"project\(weft VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "lib/*", "third_party/*"):
            copy(self, pattern, src=str(self._checkout), dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        # The program and the library must see the same Asio.
        self.requires("asio/[>=1.30 <2]", transitive_headers=True)
        self.requires("spdlog/[>=1.10 <2]")
        if self.options.http:
            self.requires("llhttp/[>=9.2 <10]")
            if self.options.tls:
                self.requires("openssl/[>=3 <4]")

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["WEFT_ASIO_ROOT"] = self.dependencies["asio"].cpp_info.includedirs[0]
        toolchain.cache_variables["WEFT_BUILD_HTTP"] = bool(self.options.http)
        toolchain.cache_variables["WEFT_HTTP_TLS"] = bool(self.options.tls)
        for off in ("WEFT_BUILD_TESTS", "WEFT_BUILD_APPS", "WEFT_INSTALL_ASIO"):
            toolchain.cache_variables[off] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=str(Path(self.package_folder, "licenses")))
        CMake(self).install()
        # Conan makes its own from what package_info says.
        rmdir(self, str(Path(self.package_folder, "lib", "cmake")))
        rmdir(self, str(Path(self.package_folder, "lib", "pkgconfig")))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "weft")
        core = self.cpp_info.components["core"]
        core.libs = ["weft"]
        core.requires = ["asio::asio", "spdlog::spdlog"]
        core.defines = ["ASIO_STANDALONE"]
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]
        core.set_property("cmake_target_name", "weft::weft")
        core.set_property("pkg_config_name", "weft")

        names = {"testing": []}
        if self.options.http:
            names["http"] = ["llhttp::llhttp"] + (["openssl::ssl"] if self.options.tls else [])
        for name, requires in names.items():
            component = self.cpp_info.components[name]
            component.libs = [f"weft_{name}"]
            component.requires = ["core", *requires]
            component.set_property("cmake_target_name", f"weft::{name}")
            component.set_property("pkg_config_name", f"weft-{name}")
