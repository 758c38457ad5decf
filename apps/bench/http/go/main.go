// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The twin of weft_server.cpp on net/http: go_http_server PORT PROCS.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
)

func main() {
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	if len(os.Args) > 2 {
		n, _ := strconv.Atoi(os.Args[2])
		runtime.GOMAXPROCS(n)
	}
	piece := bytes.Repeat([]byte("x"), 64*1024)
	http.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "Hello, world!\n")
	})
	http.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var parsed any
		if err == nil {
			err = json.Unmarshal(body, &parsed)
		}
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		text, _ := json.Marshal(parsed)
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	})
	http.HandleFunc("GET /download", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Length", "1048576")
		for range 16 {
			w.Write(piece)
		}
	})
	http.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		io.WriteString(w, strconv.FormatInt(n, 10)+"\n")
	})
	if err := http.ListenAndServe("127.0.0.1:"+port, nil); err != nil {
		panic(err)
	}
}
