// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace httpd {

/// GET /: what there is to see.
inline constexpr std::string_view front_page = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>httpd on weft</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #222; }
  code { background: #f3f3f3; padding: 0 .3em; border-radius: 3px; }
  li { margin: .3em 0; }
  #clock { font-variant-numeric: tabular-nums; }
</style>
<h1>httpd on weft</h1>
<p>The server's clock, by <a href="/events">Server-Sent Events</a>: <span id="clock">...</span></p>
<ul>
  <li><a href="/hello/you">/hello/you</a></li>
  <li><a href="/api/notes">/api/notes</a>: JSON. <code>curl -d '{"text":"hi"}' -H 'Content-Type: application/json' ...</code></li>
  <li><a href="/slow?ms=500">/slow?ms=500</a>, and <a href="/slow?ms=60000">one that takes too long</a></li>
  <li><a href="/metrics">/metrics</a>, <a href="/healthz">/healthz</a>; from the server's machine: <a href="/debug/">/debug/</a></li>
  <li><code>/static/</code>, if it was started with <code>--root DIR</code></li>
</ul>
<script>
  const clock = document.getElementById("clock");
  const events = new EventSource("/events");
  events.addEventListener("tick", e => { clock.textContent = e.data; });
  events.onerror = () => { clock.textContent = "gone"; };
</script>
</html>
)";

} // namespace httpd
