// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All of weft::pattern.

#include <weft/pattern/batch.hpp>
#include <weft/pattern/broadcast.hpp>
#include <weft/pattern/fan_out.hpp>
#include <weft/pattern/generator.hpp>
#include <weft/pattern/merge.hpp>
#include <weft/pattern/oneshot.hpp>
#include <weft/pattern/or_done.hpp>
#include <weft/pattern/parallel.hpp>
#include <weft/pattern/pipeline.hpp>
#include <weft/pattern/stage.hpp>
#include <weft/pattern/tee.hpp>
#include <weft/pattern/watch.hpp>
#include <weft/pattern/worker_pool.hpp>
