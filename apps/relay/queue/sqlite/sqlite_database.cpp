// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "sqlite_database.hpp"

#include <cstddef>

namespace relay::sqlite {

// ---------------------------------------------------------------- database

database::database(const std::string& file)
{
    sqlite3* db = nullptr;
    const int result = sqlite3_open_v2(file.c_str(), &db,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                           SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                       nullptr);
    handle_.reset(db); // also what failed to open must be closed
    if (result != SQLITE_OK)
        throw error(result,
                    file + ": " + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result)));
}

void database::execute(const char* sql)
{
    const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) fail(result);
}

void database::fail(int result) const
{
    throw error(result, sqlite3_errmsg(handle_.get()));
}

// ---------------------------------------------------------------- statement

statement::statement(database& in, const char* sql) : in_(&in)
{
    sqlite3_stmt* s = nullptr;
    const int result =
        sqlite3_prepare_v3(in.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr);
    handle_.reset(s);
    if (result != SQLITE_OK) in.fail(result);
}

void statement::check(int result) const
{
    if (result != SQLITE_OK) in_->fail(result);
}

void statement::bind(int at, std::int64_t value)
{
    check(sqlite3_bind_int64(handle_.get(), at, value));
}

void statement::bind(int at, std::string_view text)
{
    // As a blob: a body may hold any bytes, and nothing here is compared but byte by byte.
    check(sqlite3_bind_blob64(handle_.get(), at, text.empty() ? "" : text.data(), text.size(),
                              SQLITE_STATIC));
}

void statement::bind(int at, std::nullptr_t)
{
    check(sqlite3_bind_null(handle_.get(), at));
}

statement::run::~run()
{
    sqlite3_reset(of_->handle_.get());
    sqlite3_clear_bindings(of_->handle_.get());
}

bool statement::run::next()
{
    const int result = sqlite3_step(of_->handle_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    of_->in_->fail(result);
}

std::int64_t statement::run::number(int column) const noexcept
{
    return sqlite3_column_int64(of_->handle_.get(), column);
}

std::string_view statement::run::text(int column) const noexcept
{
    sqlite3_stmt* const s = of_->handle_.get();
    const void* const bytes = sqlite3_column_blob(s, column);
    return {static_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(s, column))};
}

} // namespace relay::sqlite
