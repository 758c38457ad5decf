// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/router.hpp>

#include <weft/http/detail/routing.hpp>

#include <utility>

namespace weft::inline v0_1::http {

router::router() : table_(std::make_unique<detail::routing>()) {}
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

router& router::handle(std::string_view pattern, handler h, route_options options)
{
    table_->add(pattern, std::move(h), options);
    return *this;
}

router& router::use(middleware m)
{
    table_->wrap(std::move(m));
    return *this;
}

} // namespace weft::inline v0_1::http
