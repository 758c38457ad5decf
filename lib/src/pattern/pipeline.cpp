// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/pattern/pipeline.hpp>

namespace weft::inline v0_1::pattern {

task<> pipeline::wait(context limit)
{
    return [](std::shared_ptr<detail::crew> crew, context until) -> task<> {
        co_await detail::crew::join(crew, std::move(until));
        crew->cancel();
    }(crew_, std::move(limit));
}

} // namespace weft::inline v0_1::pattern
