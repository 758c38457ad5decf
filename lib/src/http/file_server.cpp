// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/file_server.hpp>

#include "http_date.hpp"
#include "open_beneath.hpp"

#include <weft/blocking.hpp>
#include <weft/http/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/uio.h>

namespace weft::inline v0_1::http {

namespace {

using detail::unique_descriptor;

constexpr std::size_t piece_size = 128UL * 1024;

struct byte_range {
    std::uint64_t begin, size;
};

enum class range_wish { whole, part, impossible };

std::optional<std::uint64_t> number(std::string_view s)
{
    std::uint64_t n = 0;
    const auto r = std::from_chars(s.data(), s.data() + s.size(), n);
    if (s.empty() || r.ec != std::errc() || r.ptr != s.data() + s.size()) return std::nullopt;
    return n;
}

/// What "bytes=a-b" means for a file of that size. What is malformed, or several ranges, counts as no wish (RFC 9110 14.2).
range_wish parse_range(std::string_view text, std::uint64_t size, byte_range& r)
{
    constexpr std::string_view unit = "bytes=";
    if (text.size() < unit.size() || !equal_ignoring_case(text.substr(0, unit.size()), unit))
        return range_wish::whole;
    text.remove_prefix(unit.size());
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.find(',') != std::string_view::npos)
        return range_wish::whole;
    const std::string_view first = text.substr(0, dash), last = text.substr(dash + 1);
    if (first.empty()) {
        const auto n = number(last);
        if (!n) return range_wish::whole;
        if (*n == 0 || size == 0) return range_wish::impossible;
        r.size = std::min(*n, size);
        r.begin = size - r.size;
        return range_wish::part;
    }
    const auto from = number(first), to = last.empty() ? std::optional(size) : number(last);
    if (!from || !to || (!last.empty() && *to < *from)) return range_wish::whole;
    if (*from >= size) return range_wish::impossible;
    r.begin = *from;
    r.size = std::min(*to, size - 1) - *from + 1;
    return range_wish::part;
}

/// The comparison of If-None-Match: weak.
bool matches(std::string_view list, std::string_view tag)
{
    const auto opaque = [](std::string_view t) { return t.starts_with("W/") ? t.substr(2) : t; };
    while (!list.empty()) {
        const std::size_t start = list.find_first_not_of(" \t,");
        if (start == std::string_view::npos) return false;
        list.remove_prefix(start);
        if (list.front() == '*') return true;
        const std::size_t end = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, end);
        one = one.substr(0, one.find_last_not_of(" \t") + 1);
        if (opaque(one) == opaque(tag)) return true;
        list.remove_prefix(end);
    }
    return false;
}

/// A segment that must not be served, or cannot be the name of a file.
bool is_forbidden(std::string_view path, bool hidden_files)
{
    bool known = false;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, end);
        if (segment == "." || segment == ".." || segment.find('\0') != std::string_view::npos)
            return true;
        known = known || segment == ".well-known";
        if (segment.starts_with('.') && !hidden_files && !known) return true;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return false;
}

/// What the system has in its cache, at once; nothing: it must be waited for.
std::optional<std::size_t> read_now(int fd, char* into, std::size_t size, std::uint64_t at)
{
#if defined(RWF_NOWAIT)
    const iovec part{into, size};
    const ssize_t n = ::preadv2(fd, &part, 1, static_cast<off_t>(at), RWF_NOWAIT);
    if (n > 0) return static_cast<std::size_t>(n);
#endif
    return std::nullopt;
}

std::size_t read_waiting(int fd, char* into, std::size_t size, std::uint64_t at)
{
    const ssize_t n = ::pread(fd, into, size, static_cast<off_t>(at));
    if (n < 0) throw std::system_error(errno, std::generic_category(), "http: reading a file");
    return static_cast<std::size_t>(n);
}

class file_tree {
public:
    file_tree(const std::filesystem::path& root, file_server_options options)
        : options_(std::move(options)),
          root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    {
        if (!root_)
            throw std::invalid_argument("http: cannot serve files from " + root.string() + ": " +
                                        std::system_category().message(errno));
    }

    task<> serve(request& req, response& res) const
    {
        if (req.method() != "GET" && req.method() != "HEAD") {
            res.set_header("Allow", "GET, HEAD");
            res.set_status(status::method_not_allowed).send("Method Not Allowed\n");
            co_return;
        }
        std::string path(req.path_value(options_.wildcard));
        while (path.starts_with('/')) path.erase(0, 1);
        if (is_forbidden(path, options_.hidden_files)) throw error(status::not_found);
        while (path.ends_with('/')) path.pop_back();

        struct stat info{};
        unique_descriptor file = open(path, info);
        if (S_ISDIR(info.st_mode)) {
            if (!req.raw_path().ends_with('/')) {
                // Relative links in the index would lead astray.
                std::string to(req.raw_path().substr(req.raw_path().rfind('/') + 1));
                to = "./" + to + "/";
                if (!req.query().empty()) to.append("?").append(req.query());
                res.set_header("Location", to);
                res.set_status(status::moved_permanently).send("");
                co_return;
            }
            path = path.empty() ? options_.index : path + "/" + options_.index;
            file = open(path, info);
        }
        if (!S_ISREG(info.st_mode)) throw error(status::not_found);
        const auto size = static_cast<std::uint64_t>(info.st_size);
        byte_range part{0, size};
        if (!answer_with(req, res, path, info, part)) co_return;
        co_await send(std::move(file), part, req.method() == "HEAD", res);
    }

private:
    unique_descriptor open(const std::string& path, struct stat& info) const
    {
        unique_descriptor file = detail::open_beneath(root_.get(), path);
        if (!file && errno == EACCES) throw error(status::forbidden);
        if (!file && (errno == EMFILE || errno == ENFILE)) throw error(status::service_unavailable);
        if (!file || ::fstat(file.get(), &info) != 0) throw error(status::not_found);
        return file;
    }

    /// The head. False: no body goes with it.
    bool answer_with(const request& req, response& res, const std::string& path,
                     const struct stat& info, byte_range& part) const
    {
        const auto nanoseconds = static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000U +
                                 static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
        const auto in_36 = [](std::uint64_t n) {
            std::array<char, 16> digits{};
            return std::string(
                digits.data(),
                std::to_chars(digits.data(), digits.data() + digits.size(), n, 36).ptr);
        };
        const std::string tag = '"' + in_36(nanoseconds) + '-' + in_36(part.size) + '"';
        const std::string modified = detail::http_date(info.st_mtim.tv_sec);
        res.set_header("ETag", tag);
        res.set_header("Last-Modified", modified);
        res.set_header("Accept-Ranges", "bytes");
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(options_.max_age).count();
        res.set_header("Cache-Control", age > 0 ? "max-age=" + std::to_string(age) : "no-cache");

        bool unchanged = false;
        if (const auto tags = req.fields().get("If-None-Match")) {
            unchanged = matches(*tags, tag);
        } else if (const auto since = req.fields().get("If-Modified-Since")) {
            const auto t = detail::parse_http_date(*since);
            unchanged = t && info.st_mtim.tv_sec <= *t;
        }
        if (unchanged) {
            res.set_status(status::not_modified).send("");
            return false;
        }
        res.set_header("Content-Type", media_type(path));
        const std::string_view condition = req.header("If-Range");
        const bool same = condition.empty() || condition == tag || condition == modified;
        const std::string_view range = req.header("Range");
        const std::uint64_t size = part.size;
        if (!range.empty() && same && req.method() == "GET") {
            switch (parse_range(range, size, part)) {
            case range_wish::whole: break;
            case range_wish::impossible:
                res.fields().remove("Content-Type");
                res.set_header("Content-Range", "bytes */" + std::to_string(size));
                res.set_status(status::range_not_satisfiable).send("the range is beyond the end\n");
                return false;
            case range_wish::part:
                res.set_status(status::partial_content);
                res.set_header("Content-Range", "bytes " + std::to_string(part.begin) + "-" +
                                                    std::to_string(part.begin + part.size - 1) +
                                                    "/" + std::to_string(size));
            }
        }
        res.set_header("Content-Length", std::to_string(part.size));
        return true;
    }

    static task<> send(unique_descriptor file, byte_range part, bool head_only, response& res)
    {
        if (head_only || part.size == 0) {
            co_await res.flush();
            co_return;
        }
        const std::size_t room =
            static_cast<std::size_t>(std::min<std::uint64_t>(part.size, piece_size));
        const std::unique_ptr<char[]> buffer(new char[room]);
        while (part.size > 0) {
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(part.size, room));
            std::optional<std::size_t> n = read_now(file.get(), buffer.get(), want, part.begin);
            if (!n) {
                auto read = [&] {
                    return read_waiting(file.get(), buffer.get(), want, part.begin);
                };
                n = co_await blocking(read);
            }
            if (*n == 0) throw std::runtime_error("http: a file shrank while it was sent");
            co_await res.write(std::string_view(buffer.get(), *n));
            part.begin += *n;
            part.size -= *n;
        }
    }

    const file_server_options options_;
    const unique_descriptor root_;
};

} // namespace

handler file_server(const std::filesystem::path& root, file_server_options options)
{
    auto tree = std::make_shared<const file_tree>(root, std::move(options));
    return [tree](request& req, response& res) -> task<> { return tree->serve(req, res); };
}

} // namespace weft::inline v0_1::http
