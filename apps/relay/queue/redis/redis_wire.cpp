// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_wire.hpp"

#include <asio/bind_executor.hpp>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace relay {

namespace {

bool is_text(const redisReply& r, const char* text)
{
    return r.type == REDIS_REPLY_STRING && std::string_view(r.str, r.len) == text;
}

void ignore_sigpipe()
{
    struct sigaction now{};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        now.sa_handler == SIG_DFL)
        ::signal(SIGPIPE, SIG_IGN);
}

/// A peer that has vanished without a word is noticed within a minute. Child processes do not get the socket.
void set_up(int socket)
{
    (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);
    const auto set = [socket](int level, int what, int value) {
        (void)::setsockopt(socket, level, what, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set(IPPROTO_TCP, TCP_KEEPIDLE, 20);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
#ifdef TCP_USER_TIMEOUT
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
#endif
}

} // namespace

struct redis_wire::call {
    std::vector<std::string> arguments;
    weft::pattern::oneshot_sender<outcome> to;
};

/// hiredis' C callbacks. `data` and `privdata` are the wire, which outlives the context.
struct redis_wire::hooks {
    static redis_wire& of(void* data) { return *static_cast<redis_wire*>(data); }
    static redis_wire& of(const redisAsyncContext* c) { return of(c->data); }

    static void add_read(void* w) { of(w).wait_to_read(); }
    static void del_read(void*) {} // the handler that waits finds nothing to do
    static void add_write(void* w)
    {
        if (!of(w).working_) of(w).wait_to_write();
    }
    static void del_write(void*) {}
    static void cleanup(void* w) { of(w).context_freed(); }
    static void connected(const redisAsyncContext* c, int status)
    {
        if (status == REDIS_OK) of(c).connected_ = true;
    }
    static void answered(redisAsyncContext* c, void* reply, void* privdata)
    {
        of(c).answered(reply, static_cast<call*>(privdata));
    }
    static void told(redisAsyncContext* c, void* reply, void*) { of(c).told(reply); }
};

redis_wire::redis_wire(key, const weft::executor& ex) : strand_(ex), descriptor_(strand_) {}

redis_wire::~redis_wire()
{
    // Only where the runtime ended first; nothing of it runs any more.
    if (context_) redisAsyncFree(context_);
}

std::shared_ptr<redis_wire> redis_wire::connect(const weft::executor& ex, std::string address,
                                                int port)
{
    auto w = std::make_shared<redis_wire>(key{}, ex);
    asio::post(w->strand_, [w, address = std::move(address), port] { w->start(address, port); });
    return w;
}

std::string redis_wire::why() const
{
    const std::lock_guard lock(mutex_);
    return why_;
}

// ---------------------------------------------------------------- what is asked for

redis_wire::answer redis_wire::command(std::vector<std::string> arguments)
{
    weft::pattern::oneshot<outcome> o;
    auto c = std::make_unique<call>(call{std::move(arguments), std::move(o.sender)});
    {
        const std::lock_guard lock(mutex_);
        inbox_.push_back(std::move(c));
        if (std::exchange(work_posted_, true)) return std::move(o.receiver);
    }
    post_work();
    return std::move(o.receiver);
}

void redis_wire::subscribe(std::string channel, std::function<void()> subscribed,
                           std::function<void(std::string_view)> heard)
{
    asio::post(strand_, [self = shared_from_this(), channel = std::move(channel),
                         subscribed = std::move(subscribed), heard = std::move(heard)]() mutable {
        self->channel_ = std::move(channel);
        self->subscribed_ = std::move(subscribed);
        self->heard_ = std::move(heard);
        self->start_subscription();
    });
}

void redis_wire::break_off(std::string why)
{
    asio::post(strand_, [self = shared_from_this(), why = std::move(why)]() mutable {
        self->started_ = true;
        self->free_context(std::move(why));
        self->end_if_quiet();
    });
}

void redis_wire::post_work()
{
    asio::post(strand_, [self = shared_from_this()] { self->work(); });
}

/// Sends what has come together meanwhile, and writes it.
void redis_wire::work()
{
    std::vector<std::unique_ptr<call>> batch;
    {
        const std::lock_guard lock(mutex_);
        batch.swap(inbox_);
        work_posted_ = false;
    }
    working_ = true;
    for (auto& c : batch) send(std::move(c));
    working_ = false;
    if (!context_) return;
    if (connected_ && !writing_) {
        redisAsyncHandleWrite(context_);
    } else {
        wait_to_write();
    }
}

void redis_wire::send(std::unique_ptr<call> c)
{
    const auto refuse = [&](std::string why) {
        static_cast<void>(c->to.set(outcome(broken{std::move(why)})));
    };
    if (!context_) return refuse(why());
    texts_.clear();
    sizes_.clear();
    for (const std::string& a : c->arguments) {
        texts_.push_back(a.data());
        sizes_.push_back(a.size());
    }
    if (redisAsyncCommandArgv(context_, &hooks::answered, c.get(), static_cast<int>(texts_.size()),
                              texts_.data(), sizes_.data()) != REDIS_OK)
        return refuse("the connection is being closed");
    ++unanswered_;
    c->arguments.clear();
    static_cast<void>(c.release()); // until `answered`
}

void redis_wire::start_subscription()
{
    if (!context_) return;
    const char* words[] = {"SUBSCRIBE", channel_.c_str()};
    const std::size_t sizes[] = {9, channel_.size()};
    if (redisAsyncCommandArgv(context_, &hooks::told, nullptr, 2, words, sizes) != REDIS_OK)
        free_context("the connection is being closed");
}

// ---------------------------------------------------------------- what comes back

void redis_wire::answered(void* reply, call* c)
{
    const std::unique_ptr<call> own(c);
    --unanswered_;
    if (!reply) {
        {
            const std::lock_guard lock(mutex_);
            if (why_.empty()) why_ = context_->errstr ? context_->errstr : "the connection ended";
        }
        static_cast<void>(own->to.set(outcome(broken{why()})));
        return;
    }
    static_cast<void>(own->to.set(outcome(redis_value::of(*static_cast<redisReply*>(reply)))));
    // hiredis would abort the program over an answer that nobody waits for.
    const redisReader& r = *context_->c.reader;
    if (unanswered_ == 0 && channel_.empty() && r.pos < r.len)
        free_context("it answers what nobody asked");
}

void redis_wire::told(void* reply)
{
    if (!reply) return;
    const auto& r = *static_cast<redisReply*>(reply);
    if (r.type != REDIS_REPLY_ARRAY || r.elements < 3) return;
    if (is_text(*r.element[0], "subscribe")) {
        subscribed_();
    } else if (is_text(*r.element[0], "message")) {
        heard_(std::string_view(r.element[2]->str, r.element[2]->len));
    }
}

// ---------------------------------------------------------------- hiredis on Asio

void redis_wire::start(const std::string& address, int port)
{
    if (std::exchange(started_, true)) return; // broken off before it began
    ignore_sigpipe();
    context_ = redisAsyncConnect(address.c_str(), port);
    if (!context_) return free_context("out of memory");
    context_->data = this;
    if (context_->err) return free_context(context_->errstr);
    asio::error_code ec;
    descriptor_.assign(context_->c.fd, ec);
    if (ec) return free_context(ec.message());
    set_up(context_->c.fd);
    context_->ev.data = this;
    context_->ev.addRead = &hooks::add_read;
    context_->ev.delRead = &hooks::del_read;
    context_->ev.addWrite = &hooks::add_write;
    context_->ev.delWrite = &hooks::del_write;
    context_->ev.cleanup = &hooks::cleanup;
    redisAsyncSetConnectCallback(context_, &hooks::connected);
}

void redis_wire::wait_to_read()
{
    if (!context_ || std::exchange(reading_, true)) return;
    descriptor_.async_wait(
        descriptor_.wait_read,
        asio::bind_executor(
            strand_, [self = shared_from_this()](asio::error_code ec) { self->readable(ec); }));
}

void redis_wire::wait_to_write()
{
    if (!context_ || std::exchange(writing_, true)) return;
    descriptor_.async_wait(
        descriptor_.wait_write,
        asio::bind_executor(
            strand_, [self = shared_from_this()](asio::error_code ec) { self->writable(ec); }));
}

void redis_wire::readable(const asio::error_code& ec)
{
    reading_ = false;
    if (context_ && !ec) {
        if (speaks_unasked()) {
            free_context("it answers what nobody asked");
        } else {
            redisAsyncHandleRead(context_);
        }
    } else if (context_) {
        free_context(ec.message());
    }
    end_if_quiet();
}

void redis_wire::writable(const asio::error_code& ec)
{
    writing_ = false;
    if (context_ && !ec) {
        redisAsyncHandleWrite(context_);
    } else if (context_) {
        free_context(ec.message());
    }
    end_if_quiet();
}

bool redis_wire::speaks_unasked() const
{
    char c;
    return unanswered_ == 0 && channel_.empty() && connected_ &&
           ::recv(context_->c.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/// In one of hiredis' callbacks the context goes when that returns.
void redis_wire::free_context(std::string why)
{
    {
        const std::lock_guard lock(mutex_);
        if (why_.empty()) why_ = std::move(why);
    }
    if (!context_) return end_if_quiet();
    if (context_->ev.cleanup) return redisAsyncFree(context_);
    redisAsyncFree(std::exchange(context_, nullptr)); // it had not begun
    if (descriptor_.is_open()) descriptor_.release();
    end_if_quiet();
}

void redis_wire::context_freed()
{
    {
        const std::lock_guard lock(mutex_);
        if (why_.empty())
            why_ =
                context_->errstr && *context_->errstr ? context_->errstr : "the connection ended";
    }
    context_ = nullptr;
    descriptor_.release(); // hiredis closes it
    end_if_quiet();
}

/// Nothing more comes from Asio: `ended`.
void redis_wire::end_if_quiet()
{
    if (!context_ && started_ && !reading_ && !writing_) ended_.set();
}

} // namespace relay
