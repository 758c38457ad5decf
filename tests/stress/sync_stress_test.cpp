// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "testing.hpp"
