// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

/// `asio::cancel_after`, where Asio has it: from 1.32. Then WEFT_TEST_CANCEL_AFTER is defined.

#if __has_include(<asio/cancel_after.hpp>)
#    include <asio/cancel_after.hpp>
#    define WEFT_TEST_CANCEL_AFTER
#endif
