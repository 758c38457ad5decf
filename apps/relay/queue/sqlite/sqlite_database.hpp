// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// `database` and `statement`: SQLite with owners and exceptions.

namespace relay::sqlite {

class error : public std::runtime_error {
public:
    error(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    /// SQLite's primary result code, as SQLITE_FULL.
    [[nodiscard]] int code() const noexcept { return code_ & 0xff; }

private:
    int code_;
};

/// A connection. @par Thread safety  unsafe: one thread at a time.
class database {
public:
    /// Opens the file, makes it if it is not there. @throws error
    explicit database(const std::string& file);

    /// Runs statements that return nothing. @throws error
    void execute(const char* sql);
    /// Rows changed by the last statement.
    [[nodiscard]] int changes() const noexcept { return sqlite3_changes(handle_.get()); }
    /// Inside a transaction: an error may have ended it.
    [[nodiscard]] bool in_transaction() const noexcept
    {
        return sqlite3_get_autocommit(handle_.get()) == 0;
    }
    /// @throws error  the one that `result` stands for, with what SQLite says about it.
    [[noreturn]] void fail(int result) const;
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }

private:
    struct closer {
        void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
    };
    std::unique_ptr<sqlite3, closer> handle_;
};

/// A prepared statement, for many runs:
///
///     for (auto row = find.with(id); row.next();) use(row.text(0));
///
/// @par Lifetime  not longer than the database.
class statement {
public:
    /// One run; views are valid until the next `next`.
    class run {
    public:
        explicit run(statement& of) noexcept : of_(&of) {}
        run(const run&) = delete;
        run& operator=(const run&) = delete;
        ~run();

        /// False: no more rows. @throws error
        bool next();
        [[nodiscard]] std::int64_t number(int column) const noexcept;
        [[nodiscard]] std::string_view text(int column) const noexcept; ///< empty for NULL

    private:
        statement* of_;
    };

    statement(database& in, const char* sql);

    /// Begins a run with these values: numbers, texts (bound as blobs if they are `blob`), nullptr for NULL. Texts must live
    /// until the run's end.
    template <class... Values>
    [[nodiscard]] run with(const Values&... values)
    {
        int at = 0;
        (bind(++at, values), ...);
        return run(*this);
    }
    /// A run whose rows, if any, nobody wants. @throws error
    template <class... Values>
    void execute(const Values&... values)
    {
        run r = with(values...);
        while (r.next()) {}
    }

private:
    void bind(int at, std::int64_t value);
    void bind(int at, std::string_view text);
    void bind(int at, std::nullptr_t);
    void check(int result) const;

    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };
    database* in_;
    std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

} // namespace relay::sqlite
