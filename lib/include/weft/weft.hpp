// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All of the core, but of the tools in `weft/debug/` only `debug/goroutines.hpp`.

#include <weft/after.hpp>
#include <weft/backoff.hpp>
#include <weft/barrier.hpp>
#include <weft/bind.hpp>
#include <weft/blocking.hpp>
#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/concurrent_map.hpp>
#include <weft/cond.hpp>
#include <weft/context.hpp>
#include <weft/debounce.hpp>
#include <weft/debug/goroutines.hpp>
#include <weft/defer.hpp>
#include <weft/errgroup.hpp>
#include <weft/error.hpp>
#include <weft/event.hpp>
#include <weft/executor.hpp>
#include <weft/go.hpp>
#include <weft/heartbeat.hpp>
#include <weft/join_handle.hpp>
#include <weft/labels.hpp>
#include <weft/latch.hpp>
#include <weft/log.hpp>
#include <weft/mutex.hpp>
#include <weft/nursery.hpp>
#include <weft/object_pool.hpp>
#include <weft/once.hpp>
#include <weft/pattern.hpp>
#include <weft/pending.hpp>
#include <weft/rate_limiter.hpp>
#include <weft/retry.hpp>
#include <weft/run.hpp>
#include <weft/runtime.hpp>
#include <weft/runtime_options.hpp>
#include <weft/rw_mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shield.hpp>
#include <weft/singleflight.hpp>
#include <weft/sleep.hpp>
#include <weft/sometimes.hpp>
#include <weft/sync_wait.hpp>
#include <weft/task.hpp>
#include <weft/this_goroutine.hpp>
#include <weft/throttle.hpp>
#include <weft/ticker.hpp>
#include <weft/timer.hpp>
#include <weft/wait_group.hpp>
