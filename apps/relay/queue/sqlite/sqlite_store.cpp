// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "sqlite_store.hpp"

#include "headers_text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <random>
#include <utility>

namespace relay {

namespace {

constexpr std::int64_t format = 1;               ///< of the tables: user_version
constexpr std::int64_t application = 0x77667431; ///< application_id
constexpr std::int64_t number_block = 10'000;    ///< how many numbers are taken at a time
constexpr int most_made_ready = 2000;            ///< at a time
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// States are numbers in the tables, those of job_state. `jobs` has what changes, `payloads` what is big: so an update writes
// little. Three indices, each of a part: what is ready by host, what waits for a moment, what has ended.
constexpr const char* tables = R"sql(
    CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE jobs(
        number INTEGER PRIMARY KEY,
        state INTEGER NOT NULL,
        due INTEGER NOT NULL,
        token INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        max_attempts INTEGER NOT NULL,
        created INTEGER NOT NULL,
        host TEXT NOT NULL,
        target TEXT NOT NULL,
        status INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '',
        idempotency_key TEXT,
        fingerprint BLOB);
    CREATE TABLE payloads(number INTEGER PRIMARY KEY, headers TEXT NOT NULL, body BLOB NOT NULL);
    CREATE INDEX ready ON jobs(host, due, number) WHERE state = 0;
    CREATE INDEX timed ON jobs(due) WHERE state IN (1, 2);
    CREATE INDEX ended ON jobs(state, due) WHERE state IN (3, 4);
    CREATE UNIQUE INDEX keys ON jobs(idempotency_key) WHERE idempotency_key IS NOT NULL;
)sql";

// What `read` reads.
#define RELAY_COLUMNS                                                                              \
    "number, state, due, attempts, max_attempts, created, host, target, status, error"

timestamp time_of(std::int64_t t)
{
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(t)));
}

std::int64_t system_now()
{
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// `t + by`, where a caller's `by` may be absurd.
std::int64_t later(std::int64_t t, std::chrono::milliseconds by)
{
    const std::int64_t d = std::max<std::int64_t>(0, by.count());
    return d > (never - t) / 1000 ? never : t + d * 1000;
}

std::string random_name()
{
    constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";
    std::random_device source;
    std::string name;
    for (int i = 0; i < 8; ++i) name += letters[source() % letters.size()];
    return name;
}

} // namespace

struct sqlite_store::statements {
    explicit statements(sqlite::database& db)
        : begin(db, "BEGIN IMMEDIATE"),
          commit(db, "COMMIT"),
          roll_back(db, "ROLLBACK"),
          set_numbers(db, "UPDATE meta SET value = ? WHERE name = 'numbers'"),
          by_key(db, "SELECT number, fingerprint FROM jobs WHERE idempotency_key = ?"),
          add_job(db, "INSERT INTO jobs(number, state, due, max_attempts, created, host, target, "
                      "idempotency_key, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
          add_payload(db, "INSERT INTO payloads VALUES (?, ?, ?)"),
          due(db, "SELECT number, state, attempts, max_attempts, host FROM jobs INDEXED BY timed "
                  "WHERE state IN (1, 2) AND due <= ? ORDER BY due LIMIT ?"),
          first_timed(db, "SELECT due, host FROM jobs INDEXED BY timed WHERE state IN (1, 2) "
                          "ORDER BY due LIMIT 100"),
          make_ready(db, "UPDATE jobs SET state = 0 WHERE number = ?"),
          bury_lost(db,
                    "UPDATE jobs SET state = 4, due = ?, status = 0, error = ? WHERE number = ?"),
          ready_of(db, "SELECT " RELAY_COLUMNS ", headers, body FROM jobs INDEXED BY ready "
                       "JOIN payloads USING (number) WHERE state = 0 AND host = ? "
                       "ORDER BY due, number LIMIT ?"),
          oldest_of(db, "SELECT due FROM jobs INDEXED BY ready WHERE state = 0 AND host = ? "
                        "ORDER BY due LIMIT 1"),
          lease(db, "UPDATE jobs SET state = 2, due = ?, token = ?, attempts = attempts + 1 "
                    "WHERE number = ?"),
          extend(
              db,
              "UPDATE jobs SET due = ? WHERE number = ? AND token = ? AND state = 2 AND due > ?"),
          end(db, "UPDATE jobs SET state = ?, due = ?, status = ?, error = ? "
                  "WHERE number = ? AND token = ? AND state = 2 AND due > ?"),
          release(
              db,
              "UPDATE jobs SET state = CASE WHEN ?1 = 0 AND attempts >= max_attempts THEN 4 "
              "ELSE ?2 END, due = ?3, status = ?4, error = ?5, attempts = attempts - ?1 "
              "WHERE number = ?6 AND token = ?7 AND state = 2 AND due > ?8 RETURNING host, state"),
          drop_payload(db, "DELETE FROM payloads WHERE number = ?"),
          drop_job(db, "DELETE FROM jobs WHERE number = ?"),
          kick(db,
               "UPDATE jobs SET state = 0, due = ?, attempts = 0 WHERE number = ? AND state = 4 "
               "RETURNING host"),
          find(db, "SELECT " RELAY_COLUMNS ", headers, body FROM jobs "
                   "LEFT JOIN payloads USING (number) WHERE number = ?"),
          list_all(db, "SELECT " RELAY_COLUMNS " FROM jobs WHERE number < ? "
                       "ORDER BY number DESC LIMIT ?"),
          list_common(db, "SELECT " RELAY_COLUMNS " FROM jobs NOT INDEXED WHERE number < ? AND "
                          "state = ? ORDER BY number DESC LIMIT ?"),
          list_timed(db,
                     "SELECT " RELAY_COLUMNS " FROM jobs INDEXED BY timed WHERE state IN (1, 2) "
                     "AND number < ? AND state = ? ORDER BY number DESC LIMIT ?"),
          list_dead(db, "SELECT " RELAY_COLUMNS " FROM jobs INDEXED BY ended WHERE state IN (3, 4) "
                        "AND number < ? AND state = ? ORDER BY number DESC LIMIT ?"),
          old_done(db, "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs INDEXED BY ended "
                       "WHERE state IN (3, 4) AND state = 3 AND due < ? LIMIT 500)")
    {
    }

    sqlite::statement begin, commit, roll_back, set_numbers, by_key, add_job, add_payload, due,
        first_timed, make_ready, bury_lost, ready_of, oldest_of, lease, extend, end, release,
        drop_payload, drop_job, kick, find, list_all, list_common, list_timed, list_dead, old_done;
};

void sqlite_store::destroyer::operator()(statements* s) const noexcept
{
    delete s;
}

// ---------------------------------------------------------------- opening

sqlite_store::sqlite_store(const std::string& file, std::chrono::milliseconds keep_done)
    : db_(file), keep_done_(keep_done)
{
    try {
        // Exclusive before WAL: the index of the log is in memory then, and others are kept out from the first write on.
        db_.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                    "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
                    "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;"
                    "PRAGMA temp_store = MEMORY;");
        make_tables();
        sql_.reset(new statements(db_));
        load();
    } catch (const sqlite::error& e) {
        switch (e.code()) {
        case SQLITE_BUSY:
            throw sqlite::error(e.code(),
                                file + " is in use by another process; several processes can "
                                       "share a queue in Redis");
        case SQLITE_NOTADB: throw sqlite::error(e.code(), file + " is no SQLite database");
        case SQLITE_CORRUPT:
            throw sqlite::error(e.code(), file + " is damaged (" + e.what() +
                                              "); sqlite3's .recover may save what is in it");
        case SQLITE_READONLY: throw sqlite::error(e.code(), file + " cannot be written to");
        default: throw sqlite::error(e.code(), file + ": " + e.what());
        }
    }
}

void sqlite_store::make_tables()
{
    db_.execute("BEGIN IMMEDIATE"); // takes the lock, or says that another process has it
    const auto pragma = [this](const char* sql) {
        sqlite::statement s(db_, sql);
        auto r = s.with();
        return r.next() ? r.number(0) : 0;
    };
    const std::int64_t id = pragma("PRAGMA application_id");
    const std::int64_t version = pragma("PRAGMA user_version");
    const bool empty = pragma("SELECT count(*) FROM sqlite_schema") == 0;
    if (!empty && id != application)
        throw sqlite::error(SQLITE_MISMATCH, "the database is another program's");
    if (version > format)
        throw sqlite::error(SQLITE_MISMATCH, "the database was made by a newer relay");
    if (empty) {
        db_.execute(tables);
        db_.execute(("PRAGMA application_id = " + std::to_string(application) +
                     "; PRAGMA user_version = " + std::to_string(format))
                        .c_str());
        sqlite::statement(db_, "INSERT INTO meta VALUES ('name', ?), ('numbers', 1)")
            .execute(random_name());
    }
    db_.execute("COMMIT");
}

void sqlite_store::load()
{
    begin();
    {
        sqlite::statement s(db_, "SELECT (SELECT value FROM meta WHERE name = 'name'), "
                                 "(SELECT value FROM meta WHERE name = 'numbers')");
        auto r = s.with();
        r.next();
        name_ = r.text(0);
        next_number_ = numbers_end_ = std::max<std::int64_t>(1, r.number(1));
    }
    // Whoever held a lease is gone.
    {
        sqlite::statement lost(db_,
                               "UPDATE jobs SET state = CASE WHEN attempts >= max_attempts THEN 4 "
                               "ELSE 0 END, due = ?, status = 0, error = ? WHERE state = 2");
        lost.execute(tick(), std::string_view("the relay that tried was stopped or died"));
    }
    {
        sqlite::statement s(db_, "SELECT state, count(*) FROM jobs GROUP BY state");
        for (auto r = s.with(); r.next();) {
            const std::int64_t state = r.number(0);
            if (state < 0 || state > 4)
                throw sqlite::error(SQLITE_CORRUPT, "a job without a state");
            counts_[static_cast<job_state>(state)] = static_cast<std::uint64_t>(r.number(1));
        }
    }
    {
        sqlite::statement s(db_, "SELECT DISTINCT host FROM jobs INDEXED BY ready WHERE state = 0");
        for (auto r = s.with(); r.next();) host_has_ready(r.text(0));
    }
    next_token_ = static_cast<std::uint64_t>(tick()) << 10;
    commit();
}

// ---------------------------------------------------------------- transactions

void sqlite_store::begin()
{
    counts_before_ = counts_;
    numbers_end_before_ = numbers_end_;
    sql_->begin.execute();
}

void sqlite_store::commit()
{
    sql_->commit.execute();
    for (const std::string& host : left_) hosts_.erase(host);
    left_.clear();
}

void sqlite_store::roll_back() noexcept
{
    try {
        if (db_.in_transaction()) sql_->roll_back.execute();
    } catch (const sqlite::error&) {
        // It is over then in any case.
    }
    counts_ = counts_before_;
    numbers_end_ = numbers_end_before_;
    next_timed_ = 0; // read it anew
    for (const std::string& host : left_) hosts_.find(host)->second.left = false;
    turn_.splice(turn_.begin(), left_); // it was their turn
}

// ---------------------------------------------------------------- in memory

void sqlite_store::move(job_state from, job_state to) noexcept
{
    --counts_[from];
    ++counts_[to];
}

void sqlite_store::host_has_ready(std::string_view host)
{
    if (const auto known = hosts_.find(host); known != hosts_.end()) {
        place& p = known->second;
        if (std::exchange(p.left, false)) turn_.splice(turn_.end(), left_, p.at);
        return;
    }
    std::list<std::string> fresh(1, std::string(host));
    hosts_.emplace(fresh.front(), place{fresh.begin()});
    turn_.splice(turn_.end(), fresh);
}

std::string sqlite_store::id_of(std::int64_t number) const
{
    return name_ + '-' + std::to_string(number);
}

std::optional<std::int64_t> sqlite_store::number_of(std::string_view id) const
{
    if (!id.starts_with(name_) || id.size() < name_.size() + 2 || id[name_.size()] != '-')
        return std::nullopt;
    const std::string_view digits = id.substr(name_.size() + 1);
    std::int64_t number = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (ec != std::errc() || end != digits.data() + digits.size() || number < 1)
        return std::nullopt;
    return number;
}

// ---------------------------------------------------------------- the verbs

put_result sqlite_store::put(const new_job& j, std::string_view fingerprint)
{
    const bool keyed = !j.idempotency_key.empty();
    if (keyed) {
        if (auto r = sql_->by_key.with(j.idempotency_key); r.next()) {
            if (r.text(1) != fingerprint)
                throw idempotency_conflict(
                    "a job with this idempotency key delivers something else");
            return {id_of(r.number(0)), true};
        }
    }
    if (next_number_ == numbers_end_) {
        numbers_end_ += number_block;
        sql_->set_numbers.execute(numbers_end_);
    }
    const std::int64_t number = next_number_++; // a number whose transaction fails is left out
    const std::int64_t t = tick();
    const job_state state = j.delay.count() > 0 ? job_state::delayed : job_state::ready;
    const std::int64_t due = later(t, j.delay);
    const auto state_number = static_cast<std::int64_t>(state);
    const std::int64_t most = j.max_attempts;
    if (keyed) {
        sql_->add_job.execute(number, state_number, due, most, t, j.what.host, j.what.target,
                              j.idempotency_key, fingerprint);
    } else {
        sql_->add_job.execute(number, state_number, due, most, t, j.what.host, j.what.target,
                              nullptr, nullptr);
    }
    sql_->add_payload.execute(number, headers_text(j.what.headers), j.what.body);
    ++counts_[state];
    if (state == job_state::ready) {
        host_has_ready(j.what.host);
    } else {
        next_timed_ = std::min(next_timed_, due);
    }
    return {id_of(number), false};
}

std::int64_t sqlite_store::tick() noexcept
{
    return last_tick_ = std::max(last_tick_ + 1, system_now());
}

void sqlite_store::make_due_ready()
{
    const std::int64_t t = tick();
    if (t < next_timed_) return;
    struct due_job {
        std::int64_t number;
        bool lost, used_up;
        std::string host;
    };
    std::vector<due_job> due;
    for (auto r = sql_->due.with(t, std::int64_t{most_made_ready}); r.next();) {
        const bool lost = static_cast<job_state>(r.number(1)) == job_state::in_flight;
        due.push_back({r.number(0), lost, r.number(2) >= r.number(3), std::string(r.text(4))});
    }
    for (const due_job& j : due) {
        const job_state from = j.lost ? job_state::in_flight : job_state::delayed;
        if (j.lost && j.used_up) {
            sql_->bury_lost.execute(t, std::string_view("the lease ran out"), j.number);
            move(from, job_state::dead);
        } else {
            sql_->make_ready.execute(j.number); // due when it was: it has waited since
            move(from, job_state::ready);
            host_has_ready(j.host);
        }
    }
    auto first = sql_->first_timed.with();
    next_timed_ = first.next() ? first.number(0) : never;
}

std::optional<timestamp>
sqlite_store::next_timed(const std::function<std::size_t(std::string_view host)>& room)
{
    std::optional<timestamp> last;
    for (auto r = sql_->first_timed.with(); r.next();) {
        last = time_of(r.number(0));
        if (!room || room(r.text(1)) > 0) return last;
    }
    return last; // all of these have no room: it may be later, or never
}

std::size_t sqlite_store::reserve_of(const std::string& host, std::size_t most,
                                     const reserve_request& r, std::vector<reserved_job>& to)
{
    const std::size_t before = to.size();
    const std::int64_t until = later(tick(), r.lease);
    for (auto found = sql_->ready_of.with(host, static_cast<std::int64_t>(most)); found.next();) {
        reserved_job j{read(found), {}};
        j.what.what.headers = headers_of(found.text(10));
        j.what.what.body = found.text(11);
        to.push_back(std::move(j));
    }
    for (std::size_t i = before; i < to.size(); ++i) {
        reserved_job& j = to[i];
        j.lease = {j.what.id, next_token_++};
        j.what.state = job_state::in_flight;
        j.what.due = time_of(until);
        ++j.what.attempts;
        sql_->lease.execute(until, static_cast<std::int64_t>(j.lease.token),
                            number_of(j.what.id).value_or(0));
        move(job_state::ready, job_state::in_flight);
    }
    if (to.size() > before) next_timed_ = std::min(next_timed_, until);
    return to.size() - before;
}

reserve_result sqlite_store::reserve(const reserve_request& r)
{
    make_due_ready();
    reserve_result result;
    // Round by round, each host gets its share of what is still wanted.
    for (bool more = true; more && result.jobs.size() < r.most;) {
        more = false;
        const std::size_t share =
            turn_.empty() ? 0
                          : std::max<std::size_t>(1, (r.most - result.jobs.size()) / turn_.size());
        for (std::size_t n = turn_.size(); n > 0 && result.jobs.size() < r.most; --n) {
            const auto host = turn_.begin();
            const std::size_t room = r.room ? r.room(*host) : r.most;
            std::size_t held = 0; // by this reservation: `room` does not know of it yet
            for (const reserved_job& j : result.jobs) held += j.what.what.host == *host ? 1 : 0;
            const std::size_t want =
                std::min({room > held ? room - held : 0, share, r.most - result.jobs.size()});
            const std::size_t got = want > 0 ? reserve_of(*host, want, r, result.jobs) : 0;
            if (got < want) { // it has no more
                hosts_.find(*host)->second.left = true;
                left_.splice(left_.end(), turn_, host);
            } else {
                turn_.splice(turn_.end(), turn_, host);
                more = more || got > 0;
            }
        }
    }
    result.next = next_timed(r.room);
    return result;
}

bool sqlite_store::extend(const lease& l, std::chrono::milliseconds by)
{
    const auto number = number_of(l.id);
    if (!number) return false;
    const std::int64_t t = tick();
    const auto token = static_cast<std::int64_t>(l.token);
    const std::int64_t until = later(t, by);
    sql_->extend.execute(until, *number, token, t);
    if (db_.changes() != 1) return false;
    next_timed_ = std::min(next_timed_, until); // it may have been made shorter
    return true;
}

bool sqlite_store::end(const lease& l, job_state as, const attempt_result& how)
{
    const auto number = number_of(l.id);
    if (!number) return false;
    const std::int64_t t = tick();
    sql_->end.execute(static_cast<std::int64_t>(as), t, std::int64_t{how.status}, how.error,
                      *number, static_cast<std::int64_t>(l.token), t);
    if (db_.changes() != 1) return false;
    move(job_state::in_flight, as);
    return true;
}

bool sqlite_store::ack(const lease& l, const attempt_result& how)
{
    if (!end(l, job_state::done, how)) return false;
    const std::int64_t number = number_of(l.id).value_or(0);
    sql_->drop_payload.execute(number);
    if (keep_done_.count() <= 0) {
        sql_->drop_job.execute(number);
        --counts_[job_state::done];
    }
    return true;
}

bool sqlite_store::bury(const lease& l, const attempt_result& how)
{
    return end(l, job_state::dead, how);
}

bool sqlite_store::release(const lease& l, std::chrono::milliseconds delay,
                           const attempt_result& how, bool counts)
{
    const auto number = number_of(l.id);
    if (!number) return false;
    const std::int64_t t = tick();
    const job_state to = delay.count() > 0 ? job_state::delayed : job_state::ready;
    const std::int64_t due = later(t, delay);
    const auto token = static_cast<std::int64_t>(l.token);
    auto r = sql_->release.with(std::int64_t{counts ? 0 : 1}, static_cast<std::int64_t>(to), due,
                                std::int64_t{how.status}, how.error, *number, token, t);
    if (!r.next()) return false;
    const std::string host(r.text(0));
    const auto became = static_cast<job_state>(r.number(1));
    while (r.next()) {}
    move(job_state::in_flight, became);
    if (became == job_state::ready) host_has_ready(host);
    if (became == job_state::delayed) next_timed_ = std::min(next_timed_, due);
    return true;
}

bool sqlite_store::kick(std::string_view id)
{
    const auto number = number_of(id);
    if (!number) return false;
    auto r = sql_->kick.with(tick(), *number);
    if (!r.next()) return false;
    const std::string host(r.text(0));
    while (r.next()) {}
    move(job_state::dead, job_state::ready);
    host_has_ready(host);
    return true;
}

// ---------------------------------------------------------------- for those who look

queue_stats sqlite_store::stats()
{
    make_due_ready();
    queue_stats s;
    s.ready = counts_[job_state::ready];
    s.delayed = counts_[job_state::delayed];
    s.in_flight = counts_[job_state::in_flight];
    s.done = counts_[job_state::done];
    s.dead = counts_[job_state::dead];
    std::size_t looked_at = 0;
    for (const std::string& host : turn_) {
        if (++looked_at > 1000) break; // one of so many is old enough
        auto r = sql_->oldest_of.with(host);
        if (!r.next()) continue;
        const timestamp t = time_of(r.number(0));
        if (!s.oldest_ready || t < *s.oldest_ready) s.oldest_ready = t;
    }
    return s;
}

job sqlite_store::read(const row& r) const
{
    job j;
    j.id = id_of(r.number(0));
    j.state = static_cast<job_state>(r.number(1));
    j.due = time_of(r.number(2));
    j.attempts = static_cast<int>(r.number(3));
    j.max_attempts = static_cast<int>(r.number(4));
    j.created = time_of(r.number(5));
    j.what.host = r.text(6);
    j.what.target = r.text(7);
    j.last = {static_cast<int>(r.number(8)), std::string(r.text(9))};
    return j;
}

std::optional<job> sqlite_store::find(std::string_view id)
{
    make_due_ready();
    const auto number = number_of(id);
    if (!number) return std::nullopt;
    auto r = sql_->find.with(*number);
    if (!r.next()) return std::nullopt;
    job j = read(r);
    j.what.headers = headers_of(r.text(10));
    j.what.body = r.text(11);
    return j;
}

std::vector<job> sqlite_store::list(const list_request& q)
{
    make_due_ready();
    const std::int64_t before = q.after.empty() ? never : number_of(q.after).value_or(0);
    const auto limit = static_cast<std::int64_t>(std::min<std::size_t>(q.limit, 10'000));
    std::vector<job> jobs;
    const auto collect = [&](row r) {
        while (r.next()) jobs.push_back(read(r));
    };
    if (!q.state) {
        collect(sql_->list_all.with(before, limit));
        return jobs;
    }
    const auto state = static_cast<std::int64_t>(*q.state);
    switch (*q.state) {
    // There are few of these among many others, or may be: an index finds them.
    case job_state::delayed:
    case job_state::in_flight: collect(sql_->list_timed.with(before, state, limit)); break;
    case job_state::dead: collect(sql_->list_dead.with(before, state, limit)); break;
    case job_state::ready:
    case job_state::done: collect(sql_->list_common.with(before, state, limit)); break;
    }
    return jobs;
}

bool sqlite_store::prune()
{
    sql_->old_done.execute(tick() - keep_done_.count() * 1000);
    const int gone = db_.changes();
    counts_[job_state::done] -= static_cast<std::uint64_t>(gone);
    return gone == 500;
}

} // namespace relay
