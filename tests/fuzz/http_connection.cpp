// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// libFuzzer: what arrives on a connection. The first byte says what is read (its bits: a response, one to HEAD, tight limits),
// the next eight are the seed of the cuts, the rest is what the peer sends.
//
// Whatever it is:
//  - in one piece and in pieces it is the same messages with the same bodies, and fails, if it does, in the same way;
//  - nothing is read beyond a piece, and no step is without progress;
//  - no limit is exceeded;
//  - of a request that is accepted, the bytes can be read in no other way: no bare CR or LF, no NUL, one framing.

#include <message_parser.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace weft::http;
using detail::message_parser;
using event = message_parser::event;
using kind = message_parser::kind;

void demand(bool holds, const char* what)
{
    if (holds) return;
    std::fprintf(stderr, "http_connection: %s\n", what);
    std::abort();
}

struct mode {
    kind of;
    bool answers_head;
    detail::parser_limits limits;
};

bool is_in_value(char c)
{
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/// All messages of a connection, and its end, as a text that can be compared.
class reading {
public:
    explicit reading(const mode& m) : mode_(m), parser_(m.of, m.limits) { begin(); }

    /// @param cuts  null: in one piece.
    std::string read(std::string_view bytes, std::mt19937_64* cuts)
    {
        while (!bytes.empty() && !failed_) {
            std::size_t size = bytes.size();
            // Mostly small ones, where tokens are split.
            if (cuts)
                size = std::min<std::size_t>(size, 1 + (*cuts)() % ((*cuts)() % 4 == 0 ? 64 : 4));
            feed(std::vector<char>(bytes.begin(),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(size)));
            bytes.remove_prefix(size);
        }
        if (!failed_) {
            const message_parser::step s = parser_.end_of_input();
            if (s.what == event::end) end_message();
            else note_failure();
        }
        return std::move(text_);
    }

private:
    void begin()
    {
        parser_.begin({&fields_, &trailers_, &line_}, mode_.answers_head);
        head_seen_ = false;
        raw_head_.clear();
        body_.clear();
    }

    /// The vector has no byte to spare: a sanitizer sees what is read beyond it.
    void feed(const std::vector<char>& piece)
    {
        std::string_view rest(piece.data(), piece.size());
        int idle = 0;
        while (!failed_) {
            const message_parser::step s = parser_.feed(rest);
            demand(s.used <= rest.size(), "more is used than there is");
            if (s.what == event::failed) return note_failure();
            if (!head_seen_) raw_head_.append(rest.substr(0, s.used));
            if (s.what == event::body) {
                demand(!s.body.empty(), "an empty piece of a body");
                demand(s.body.data() >= rest.data() &&
                           s.body.data() + s.body.size() <= rest.data() + s.used,
                       "a body's piece is not of the input");
                body_.append(s.body);
            }
            rest.remove_prefix(s.used);
            idle = s.used == 0 ? idle + 1 : 0;
            demand(idle < 4, "no progress");
            check_limits();
            if (s.what == event::head) end_head();
            if (s.what == event::end) end_message();
            if (s.what == event::more) {
                demand(rest.empty(), "it wants more and did not take all");
                return;
            }
            // A message's end is where the next one may begin; it is not told before there are bytes of it.
            if (rest.empty() && !head_seen_) return;
        }
    }

    void check_limits()
    {
        std::size_t bytes = 0;
        for (const headers* of : {&fields_, &trailers_}) {
            for (const header_field f : *of) bytes += f.name.size() + f.value.size();
        }
        demand(bytes <= mode_.limits.header_bytes, "more bytes in fields than there may be");
        demand(fields_.size() + trailers_.size() <= mode_.limits.header_count,
               "more fields than there may be");
        if (mode_.of == kind::request)
            demand(line_.size() <= mode_.limits.target_bytes, "a longer target than there may be");
    }

    void end_head()
    {
        head_seen_ = true;
        if (mode_.of == kind::request) check_request();
        text_ += mode_.of == kind::request ? std::string(parser_.method())
                                           : std::to_string(code(parser_.status()));
        text_ += " " + line_ + " 1." + std::to_string(parser_.minor_version()) +
                 (parser_.keep_alive() ? " on" : " off");
        if (const auto n = parser_.content_length()) text_ += " " + std::to_string(*n);
        note(fields_);
        if (parser_.complete()) end_message();
    }

    void end_message()
    {
        demand(head_seen_, "an end without a head");
        if (mode_.of == kind::request) {
            const auto n = parser_.content_length();
            demand(!n || *n == body_.size(), "the body is not as long as it should be");
        }
        check_fields(trailers_);
        text_ += "\n" + body_;
        note(trailers_);
        text_ += "\nend\n";
        begin();
    }

    void note(const headers& of)
    {
        for (const header_field f : of)
            text_.append("\n").append(f.name).append(": ").append(f.value);
    }

    void note_failure()
    {
        failed_ = true;
        demand(parser_.answer() != status::ok, "it failed without a reason");
        demand(!parser_.complaint().empty(), "it failed without a word");
        // Something malformed in a header that is too large: which of them is seen first is up to the cuts.
        const int answer = code(parser_.answer());
        text_ += "\n" + body_ + "\nfailed " + std::to_string(answer == 431 ? 400 : answer);
        const message_parser::step again = parser_.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        demand(again.what == event::failed, "it goes on after it failed");
    }

    void check_fields(const headers& of)
    {
        for (const header_field f : of) {
            demand(is_token(f.name), "a name that is no token");
            demand(std::all_of(f.value.begin(), f.value.end(), is_in_value),
                   "a control character in a value");
            demand(f.value.empty() || (!is_blank(f.value.front()) && !is_blank(f.value.back())),
                   "a value with blanks around it");
        }
    }

    void check_request()
    {
        for (std::size_t i = 0; i < raw_head_.size(); ++i) {
            const char c = raw_head_[i];
            demand(c != '\0', "NUL in a header");
            demand(c != '\r' || (i + 1 < raw_head_.size() && raw_head_[i + 1] == '\n'),
                   "bare CR in a header");
            demand(c != '\n' || (i > 0 && raw_head_[i - 1] == '\r'), "bare LF in a header");
            demand(c != '\n' || i + 1 == raw_head_.size() || !is_blank(raw_head_[i + 1]),
                   "a continued line");
        }
        demand(raw_head_.ends_with("\r\n\r\n"), "the header's end is elsewhere");
        check_fields(fields_);

        const std::size_t begin = std::min(raw_head_.find_first_not_of("\r\n"), raw_head_.size());
        const std::string first = raw_head_.substr(begin, raw_head_.find('\r', begin) - begin);
        demand(first == std::string(parser_.method()) + " " + line_ + " HTTP/1." +
                            std::to_string(parser_.minor_version()),
               "the request line is another one");
        demand(line_ == "*" || line_.starts_with('/') ||
                   equal_ignoring_case(line_.substr(0, 4), "http"),
               "a wrong target");
        demand(fields_.count("host") == 1 ||
                   (fields_.count("host") == 0 && parser_.minor_version() == 0),
               "not one Host");

        const auto n = parser_.content_length();
        if (fields_.contains("transfer-encoding")) {
            demand(fields_.count("transfer-encoding") == 1 && parser_.minor_version() == 1 &&
                       equal_ignoring_case(fields_.value_or("transfer-encoding", {}), "chunked"),
                   "a wrong Transfer-Encoding");
            demand(!fields_.contains("content-length") && !n,
                   "Transfer-Encoding and Content-Length");
        } else if (fields_.contains("content-length")) {
            std::string digits(fields_.value_or("content-length", {}));
            demand(fields_.count("content-length") == 1, "more than one Content-Length");
            demand(!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos,
                   "a wrong Content-Length");
            digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
            demand(n && std::to_string(*n) == digits, "another Content-Length");
        } else {
            demand(n == 0U, "a body without framing");
        }
        demand(parser_.complete() == (n == 0U), "complete, or not");
    }

    const mode mode_;
    message_parser parser_;
    headers fields_, trailers_;
    std::string line_, raw_head_, body_, text_;
    bool head_seen_ = false;
    bool failed_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t before = 9;
    if (size < before) return 0;
    std::uint64_t seed = 0;
    std::memcpy(&seed, data + 1, sizeof seed);
    const std::string_view bytes(reinterpret_cast<const char*>(data) + before, size - before);

    const bool response = (data[0] & 1) != 0;
    mode m{response ? kind::response : kind::request, response && (data[0] & 2) != 0, {}};
    if (data[0] & 4) m.limits = {16, 64, 4};
    else m.limits = {200, 1000, 20};
    const std::string whole = reading(m).read(bytes, nullptr);
    std::mt19937_64 cuts(seed);
    const std::string cut = reading(m).read(bytes, &cuts);
    if (whole != cut) {
        std::fprintf(stderr, "in one piece:\n%s\nin pieces:\n%s\n", whole.c_str(), cut.c_str());
        demand(false, "it depends on the cuts");
    }
    return 0;
}
