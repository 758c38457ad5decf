// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/flight.hpp>

#include <weft/detail/binding.hpp>
#include <weft/log.hpp>

#include <exception>
#include <string>
#include <system_error>

namespace weft::inline v0_1::detail {

void log_unheard_failure(const std::exception_ptr& e) noexcept
{
    if (is_cancellation(e, make_error_code(errc::canceled))) return;
    if (is_cancellation(e, make_error_code(errc::stopped)))
        return; // it never ran, or not to its end
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& x) {
        log(log_level::error,
            std::string("singleflight: a call that nobody waited for any more failed: ") +
                x.what());
    } catch (...) {
        log(log_level::error, "singleflight: a call that nobody waited for any more failed");
    }
}

} // namespace weft::inline v0_1::detail
