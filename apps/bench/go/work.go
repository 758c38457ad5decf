// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

package main

import (
	"sync"
	"sync/atomic"
)

// The scenarios whose goroutines compute.
var workScenarios = []scenario{
	{"compute_10us", 100_000, false, compute10us},
	{"compute_pool_1us", 500_000, false, computePool1us},
}

const (
	rounds1us  = 550
	rounds10us = 5500
)

// compute does xorshift steps; never 0, if seed is not.
func compute(seed uint64, rounds int) uint64 {
	for i := 0; i < rounds; i++ {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
	}
	return seed
}

// compute10us: goroutines that compute for some 10 microseconds each.
func compute10us(n int) int {
	var right atomic.Int64
	var wg sync.WaitGroup
	for i := 1; i <= n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if compute(uint64(i), rounds10us) != 0 {
				right.Add(1)
			}
		}()
	}
	wg.Wait()
	return int(right.Load())
}

// computePool1us: sixteen workers between two channels, a microsecond of work for each item.
func computePool1us(n int) int {
	jobs := make(chan uint64, 128)
	results := make(chan uint64, 128)
	go func() {
		for i := 1; i <= n; i++ {
			jobs <- uint64(i)
		}
		close(jobs)
	}()
	go func() {
		together(16, func(int) {
			for seed := range jobs {
				results <- compute(seed, rounds1us)
			}
		})
		close(results)
	}()
	got := 0
	for result := range results {
		if result != 0 {
			got++
		}
	}
	return got
}
