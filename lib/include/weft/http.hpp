// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/body_reader.hpp>
#include <weft/http/client.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/client_response.hpp>
#include <weft/http/error.hpp>
#include <weft/http/event_stream.hpp>
#include <weft/http/file_server.hpp>
#include <weft/http/handler.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>
#include <weft/http/router.hpp>
#include <weft/http/server.hpp>
#include <weft/http/server_options.hpp>
#include <weft/http/status.hpp>
#include <weft/http/tls_options.hpp>
#include <weft/http/url.hpp>

/// All of `weft::http`. Link weft::http.
