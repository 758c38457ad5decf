// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/runtime_options.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#    include <sched.h>
#endif

namespace weft::inline v0_1 {

#if defined(__linux__)
namespace {

std::optional<double> quota_v2(const std::string& dir)
{
    std::ifstream in(dir + "/cpu.max");
    std::string quota;
    double period = 0;
    if (!(in >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
    return std::strtod(quota.c_str(), nullptr) / period;
}

std::optional<double> quota_v1(const std::string& dir)
{
    double quota = 0, period = 0;
    if (!(std::ifstream(dir + "/cpu.cfs_quota_us") >> quota) ||
        !(std::ifstream(dir + "/cpu.cfs_period_us") >> period) || quota <= 0 || period <= 0) {
        return std::nullopt;
    }
    return quota / period;
}

/// The tightest quota of this process's cgroup and its ancestors.
std::optional<double> cgroup_quota()
{
    std::optional<double> least;
    const auto climb = [&](const std::string& root, std::string path, auto read) {
        for (;;) {
            if (const auto q = read(root + path)) least = least ? std::min(*least, *q) : q;
            if (path.empty() || path == "/") return;
            path.erase(path.find_last_of('/'));
        }
    };
    std::ifstream in("/proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty()) {
            climb("/sys/fs/cgroup", path, quota_v2);
        } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
            climb("/sys/fs/cgroup/" + controllers, path, quota_v1);
            climb("/sys/fs/cgroup/cpu", path, quota_v1);
        }
    }
    return least;
}

} // namespace
#endif

unsigned default_procs()
{
    unsigned n = std::max(1u, std::thread::hardware_concurrency());
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::max(1, CPU_COUNT(&set));
    if (const auto quota = cgroup_quota()) {
        n = std::min(n, static_cast<unsigned>(std::max(1.0, std::ceil(*quota))));
    }
#endif
    return n;
}

} // namespace weft::inline v0_1
