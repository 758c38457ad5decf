// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

package main

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

// The scenarios of locks, groups and shared objects.
var syncScenarios = []scenario{
	{"mutex_uncontended", 10_000_000, false, mutexUncontended},
	{"mutex_8g", 5_000_000, false, mutex8g},
	{"rwmutex_read_mostly", 5_000_000, false, rwMutexReadMostly},
	{"cond_pingpong", 1_000_000, false, condPingpong},
	{"waitgroup_fan", 1_000_000, false, waitGroupFan},
	{"semaphore_bounded", 2_000_000, false, semaphoreBounded},
	{"errgroup_100", 1_000_000, false, errgroup100},
	{"pool_get_put", 10_000_000, false, poolGetPut},
	{"map_load_store", 10_000_000, false, mapLoadStore},
	{"parallel_map_1k", 2_000_000, false, parallelMap1k},
	{"pipeline_3x8", 500_000, false, pipeline3x8},
}

// together starts goroutines that each run body(k), and waits for them.
func together(goroutines int, body func(k int)) {
	var wg sync.WaitGroup
	for k := 0; k < goroutines; k++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			body(k)
		}()
	}
	wg.Wait()
}

func sum(parts []int) int {
	all := 0
	for _, p := range parts {
		all += p
	}
	return all
}

// mutexUncontended: one goroutine locks and unlocks.
func mutexUncontended(n int) int {
	var mu sync.Mutex
	count := 0
	for i := 0; i < n; i++ {
		mu.Lock()
		count++
		mu.Unlock()
	}
	return count
}

// mutex8g: eight goroutines count under one lock.
func mutex8g(n int) int {
	var mu sync.Mutex
	count := 0
	together(8, func(int) {
		for i := 0; i < n/8; i++ {
			mu.Lock()
			count++
			mu.Unlock()
		}
	})
	return count
}

// rwMutexReadMostly: eight goroutines read under one lock, and every 64th time they write.
func rwMutexReadMostly(n int) int {
	var mu sync.RWMutex
	writes := 0
	done := make([]int, 8)
	together(8, func(k int) {
		reads, seen := 0, 0
		for i := 0; i < n/8; i++ {
			if i%64 == 0 {
				mu.Lock()
				writes++
				mu.Unlock()
			} else {
				mu.RLock()
				seen = max(seen, writes)
				reads++
				mu.RUnlock()
			}
		}
		if seen <= n {
			done[k] = reads
		}
	})
	return writes + sum(done)
}

// condPingpong: two goroutines take turns by a condition; one operation is one turn.
func condPingpong(n int) int {
	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	turn := 0
	together(2, func(me int) {
		mu.Lock()
		for i := 0; i < n/2; i++ {
			for turn%2 != me {
				changed.Wait()
			}
			turn++
			changed.Signal()
		}
		mu.Unlock()
	})
	return turn
}

// waitGroupFan: rounds of 100 goroutines that are started and waited for.
func waitGroupFan(n int) int {
	var ran atomic.Int64
	for i := 0; i < n/100; i++ {
		together(100, func(int) { ran.Add(1) })
	}
	return int(ran.Load())
}

// semaphore does what golang.org/x/sync/semaphore does for requests of one permit: first in, first
// out, by a mutex and a list of channels.
type semaphore struct {
	mu      sync.Mutex
	size    int64
	held    int64
	waiters list.List
}

func (s *semaphore) acquire() {
	s.mu.Lock()
	if s.size-s.held >= 1 && s.waiters.Len() == 0 {
		s.held++
		s.mu.Unlock()
		return
	}
	ready := make(chan struct{})
	s.waiters.PushBack(ready)
	s.mu.Unlock()
	<-ready
}

func (s *semaphore) release() {
	s.mu.Lock()
	s.held--
	for s.size > s.held {
		first := s.waiters.Front()
		if first == nil {
			break
		}
		s.held++
		s.waiters.Remove(first)
		close(first.Value.(chan struct{}))
	}
	s.mu.Unlock()
}

// semaphoreBounded: a hundred goroutines share eight permits.
func semaphoreBounded(n int) int {
	permits := semaphore{size: 8}
	var ran atomic.Int64
	together(100, func(int) {
		for i := 0; i < n/100; i++ {
			permits.acquire()
			ran.Add(1)
			permits.release()
		}
	})
	return int(ran.Load())
}

type block struct{ words [8]uint64 }

// poolGetPut: eight goroutines take an object out of a pool and put it back.
func poolGetPut(n int) int {
	pool := sync.Pool{New: func() any { return new(block) }}
	done := make([]int, 8)
	together(8, func(k int) {
		got := 0
		for i := 0; i < n/8; i++ {
			mine := pool.Get().(*block)
			mine.words[0]++
			pool.Put(mine)
			got++
		}
		done[k] = got
	})
	return sum(done)
}

// mapLoadStore: eight goroutines use a map of 1024 numbers; one operation in ten is a store.
func mapLoadStore(n int) int {
	var m sync.Map
	for k := 0; k < 1024; k++ {
		m.Store(k, k)
	}
	done := make([]int, 8)
	together(8, func(g int) {
		random, hits := uint32(g)+1, 0
		for i := 0; i < n/8; i++ {
			random = random*1664525 + 1013904223
			key := int(random >> 22)
			if i%10 == 0 {
				m.Store(key, i)
				hits++
			} else if _, ok := m.Load(key); ok {
				hits++
			}
		}
		done[g] = hits
	})
	return sum(done)
}

// errgroup does what golang.org/x/sync/errgroup does without a limit.
type errgroup struct {
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	once   sync.Once
	err    error
}

func newErrgroup(parent context.Context) (*errgroup, context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	return &errgroup{cancel: cancel}, ctx
}

func (g *errgroup) start(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel(err)
			})
		}
	}()
}

func (g *errgroup) wait() error {
	g.wg.Wait()
	g.cancel(g.err)
	return g.err
}

// errgroup100: groups of 100 goroutines that return no error.
func errgroup100(n int) int {
	var ran atomic.Int64
	for i := 0; i < n/100; i++ {
		g, _ := newErrgroup(context.Background())
		for k := 0; k < 100; k++ {
			g.start(func() error { ran.Add(1); return nil })
		}
		if g.wait() != nil {
			return 0
		}
	}
	return int(ran.Load())
}

// parallelMap1k: eight goroutines square a thousand numbers; each takes the next one there is.
func parallelMap1k(n int) int {
	numbers := make([]int, 1000)
	for i := range numbers {
		numbers[i] = i
	}
	square := func(x int) (int, error) { return x * x, nil }
	right := 0
	for i := 0; i < n/1000; i++ {
		squares := make([]int, len(numbers))
		var next atomic.Int64
		g, ctx := newErrgroup(context.Background())
		for k := 0; k < 8; k++ {
			g.start(func() error {
				for ctx.Err() == nil {
					at := int(next.Add(1)) - 1
					if at >= len(numbers) {
						return nil
					}
					v, err := square(numbers[at])
					if err != nil {
						return err
					}
					squares[at] = v
				}
				return ctx.Err()
			})
		}
		if g.wait() == nil && squares[999] == 999*999 {
			right += len(squares)
		}
	}
	return right
}

// pipeline3x8: three stages of eight goroutines each; all channels are unbuffered, and every
// operation on them selects with the end of a context.
func pipeline3x8(n int) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stage := func(in <-chan int) <-chan int {
		out := make(chan int)
		var wg sync.WaitGroup
		for k := 0; k < 8; k++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for {
					select {
					case v, ok := <-in:
						if !ok {
							return
						}
						select {
						case out <- v + 1:
						case <-ctx.Done():
							return
						}
					case <-ctx.Done():
						return
					}
				}
			}()
		}
		go func() { wg.Wait(); close(out) }()
		return out
	}
	first := make(chan int)
	last := stage(stage(stage(first)))
	go func() {
		for i := 0; i < n; i++ {
			first <- i
		}
		close(first)
	}()
	got := 0
	for range last {
		got++
	}
	return got
}
