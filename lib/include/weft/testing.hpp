// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All of the testing kit, but for `testing/operator_new.hpp`, which belongs into one source file.

#include <weft/testing/bubble.hpp>
#include <weft/testing/explore.hpp>
#include <weft/testing/failure.hpp>
#include <weft/testing/faults.hpp>
#include <weft/testing/leak_check.hpp>
