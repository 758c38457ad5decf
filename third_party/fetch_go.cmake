# Unpacks a pinned Go tool chain, for the Go twin of the benchmark; only `./weft bench` asks for it.
#   cmake -DDIRECTORY=<where to> -P fetch_go.cmake       the go command: <where to>/usr/lib/go-1.27/bin/go

cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/WeftFetch.cmake)

set(pool pool/main/g/golang-1.27)
weft_fetch(fetched "${DIRECTORY}"
    DEBIAN ${pool}/golang-1.27-go_1.27.3-1_amd64.deb
           0f1ab6483c3db98118aa1faf0365c368b5c07f2e449d8d8f3eba432004b5eee2
    DEBIAN ${pool}/golang-1.27-src_1.27.3-1_all.deb
           a0a57e5e8c815b6deddaf007156594ccb3d8d08c9627303f4ae95eb9a9cba2c7)
if(NOT fetched)
    message(FATAL_ERROR "Go 1.27 could not be downloaded: connect to the network once, or put a go "
        "command on the PATH.")
endif()
