// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The Go twin of weft_bench: the same scenarios under the same names, with the same operation
// counts. One JSON object per line on standard output; weft_bench starts it and reads them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// scenario mirrors one entry of catalogue() in harness.cpp. count is what run gets (scaled by
// -scale); wholeRun says that one operation is the entire run rather than one of count.
type scenario struct {
	name     string
	count    int
	wholeRun bool
	run      func(n int) int // returns how many units arrived: must equal n
}

var scenarios = []scenario{
	{"spawn_join", 1_000_000, false, spawnJoin},
	{"chan_uncontended_buf", 5_000_000, false, chanUncontendedBuf},
	{"pingpong_unbuf", 1_000_000, false, pingpongUnbuf},
	{"unbuf_stream", 2_000_000, false, func(n int) int { return stream(n, 0) }},
	{"buf128_stream", 5_000_000, false, func(n int) int { return stream(n, 128) }},
	{"mpmc_4x4_buf128", 4_000_000, false, mpmc4x4},
	{"fan_out_in_8", 1_000_000, false, fanOutIn8},
	{"select_2recv_stream", 2_000_000, false, select2Recv},
	{"select_default", 10_000_000, false, selectDefault},
	{"select_ctx_done_recv", 2_000_000, false, selectCtxDone},
	{"ring_1000", 1_000_000, false, ring1000},
	{"sieve_2000", 2000, true, sieveSelect},
	{"sieve_nosel", 2000, true, sieveNoSelect},
	{"yield", 2_000_000, false, yield10},
	{"timer_new_stop", 2_000_000, false, timerNewStop},
	{"sleep_100k_1ms", 100_000, false, sleep1ms},
	{"after_in_select_loop", 1_000_000, false, afterInSelect},
	{"ctx_with_timeout_cancel", 2_000_000, false, ctxTimeoutCancel},
}

// spawnJoin: start n goroutines that do nothing and wait for all of them.
func spawnJoin(n int) int {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go func() { wg.Done() }()
	}
	wg.Wait()
	return n
}

// chanUncontendedBuf: one goroutine sends to and receives from a buffered channel.
func chanUncontendedBuf(n int) int {
	c := make(chan int, 8)
	got := 0
	for i := 0; i < n; i++ {
		c <- i
		if <-c == i {
			got++
		}
	}
	return got
}

// pingpongUnbuf: one round trip between two goroutines over two unbuffered channels.
func pingpongUnbuf(n int) int {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v
		}
		close(b)
	}()
	got := 0
	for i := 0; i < n; i++ {
		a <- i
		if <-b == i {
			got++
		}
	}
	close(a)
	<-b
	return got
}

// stream: one producer, one consumer.
func stream(n, capacity int) int {
	a := make(chan int, capacity)
	go func() {
		for i := 0; i < n; i++ {
			a <- i
		}
		close(a)
	}()
	got := 0
	for range a {
		got++
	}
	return got
}

// mpmc4x4: four producers and four consumers share one buffered channel.
func mpmc4x4(n int) int {
	a := make(chan int, 128)
	var w, r sync.WaitGroup
	got := make([]int, 4)
	for k := 0; k < 4; k++ {
		w.Add(1)
		r.Add(1)
		go func() {
			for i := 0; i < n/4; i++ {
				a <- i
			}
			w.Done()
		}()
		go func(k int) {
			mine := 0
			for range a {
				mine++
			}
			got[k] = mine
			r.Done()
		}(k)
	}
	w.Wait()
	close(a)
	r.Wait()
	return got[0] + got[1] + got[2] + got[3]
}

// fanOutIn8: a source, eight workers, a sink.
func fanOutIn8(n int) int {
	in, out := make(chan int, 64), make(chan int, 64)
	var wg sync.WaitGroup
	for k := 0; k < 8; k++ {
		wg.Add(1)
		go func() {
			for v := range in {
				out <- v * 2
			}
			wg.Done()
		}()
	}
	go func() { wg.Wait(); close(out) }()
	go func() {
		for i := 0; i < n; i++ {
			in <- i
		}
		close(in)
	}()
	got := 0
	for range out {
		got++
	}
	return got
}

// select2Recv: two producers, one consumer that selects over both unbuffered channels.
func select2Recv(n int) int {
	a, b := make(chan int), make(chan int)
	for _, c := range []chan int{a, b} {
		go func(c chan int) {
			for i := 0; i < n/2; i++ {
				c <- i
			}
		}(c)
	}
	got := 0
	for i := 0; i < n; i++ {
		select {
		case <-a:
			got++
		case <-b:
			got++
		}
	}
	return got
}

// selectDefault: a select over two empty channels that takes its default.
func selectDefault(n int) int {
	a, b := make(chan int), make(chan int)
	got := 0
	for i := 0; i < n; i++ {
		select {
		case <-a:
		case <-b:
		default:
			got++
		}
	}
	return got
}

// selectCtxDone: producer and consumer select over an unbuffered channel and the end of a context.
func selectCtxDone(n int) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			select {
			case c <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	got := 0
	for i := 0; i < n; i++ {
		select {
		case <-c:
			got++
		case <-ctx.Done():
		}
	}
	return got
}

// ctxTimeoutCancel: a context with a deadline is derived from one that can end, and cancelled.
func ctxTimeoutCancel(n int) int {
	parent, end := context.WithCancel(context.Background())
	defer end()
	got := 0
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithTimeout(parent, time.Second)
		cancel()
		if ctx.Err() != nil {
			got++
		}
	}
	return got
}

// ring1000: a value passes through a chain of 1000 goroutines; one operation is one hop.
func ring1000(n int) int {
	first := make(chan int)
	in := first
	for i := 0; i < 1000; i++ {
		out := make(chan int)
		go func(in, out chan int) {
			for v := range in {
				out <- v
			}
			close(out)
		}(in, out)
		in = out
	}
	got := 0
	for i := 0; i < n/1000; i++ {
		first <- i
		if <-in == i {
			got += 1000
		}
	}
	close(first)
	<-in
	return got
}

// sieveSelect: the first n primes; every channel operation selects with a done channel, which is
// closed at the end.
func sieveSelect(n int) int {
	last := nthPrime(n)
	ch := make(chan int)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(n + 1)
	go func(ch chan int) {
		defer wg.Done()
		for i := 2; ; i++ {
			select {
			case ch <- i:
			case <-done:
				return
			}
		}
	}(ch)
	prime := 0
	for i := 0; i < n; i++ {
		prime = <-ch
		ch1 := make(chan int)
		go func(in <-chan int, out chan<- int, prime int) {
			defer wg.Done()
			for {
				var v int
				select {
				case v = <-in:
				case <-done:
					return
				}
				if v%prime != 0 {
					select {
					case out <- v:
					case <-done:
						return
					}
				}
			}
		}(ch, ch1, prime)
		ch = ch1
	}
	close(done)
	wg.Wait()
	if prime != last {
		return 0
	}
	return n
}

// sieveNoSelect: the first n primes with plain sends and receives. The numbers end with the n-th
// prime, so that the chain of closes ends every goroutine.
func sieveNoSelect(n int) int {
	last := nthPrime(n)
	ch := make(chan int)
	go func(ch chan int) {
		for i := 2; i <= last; i++ {
			ch <- i
		}
		close(ch)
	}(ch)
	got := 0
	for {
		prime, ok := <-ch
		if !ok {
			return got
		}
		got++
		ch1 := make(chan int)
		go func(in <-chan int, out chan<- int, prime int) {
			for v := range in {
				if v%prime != 0 {
					out <- v
				}
			}
			close(out)
		}(ch, ch1, prime)
		ch = ch1
	}
}

// yield10: ten goroutines that only give way to each other.
func yield10(n int) int {
	var wg sync.WaitGroup
	for k := 0; k < 10; k++ {
		wg.Add(1)
		go func() {
			for i := 0; i < n/10; i++ {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	return n
}

// timerNewStop: a timer is made and stopped.
func timerNewStop(n int) int {
	stopped := 0
	for i := 0; i < n; i++ {
		t := time.NewTimer(time.Second)
		if t.Stop() {
			stopped++
		}
	}
	return stopped
}

// sleep1ms: n goroutines sleep for a millisecond each.
func sleep1ms(n int) int {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() { time.Sleep(time.Millisecond); wg.Done() }()
	}
	wg.Wait()
	return n
}

// afterInSelect: each receive has a time limit that never comes.
func afterInSelect(n int) int {
	c := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	got := 0
	for {
		select {
		case _, ok := <-c:
			if !ok {
				return got
			}
			got++
		case <-time.After(time.Second):
			return got
		}
	}
}

// timersFire measures from the moment the first of n timers is due, when all are armed, until the
// last function has been called. They are due within one millisecond, in no order.
func timersFire(procs, best int, scale float64) {
	n := scaled(1_000_000, scale)
	wall, cpu := time.Duration(1<<62), time.Duration(0)
	for i := 0; i < best; i++ {
		arming := 50*time.Millisecond + time.Duration(n)*2*time.Microsecond
		got, w, c := fire(n, arming)
		for try := 0; try < 5 && got == 0; try++ { // a busy machine
			arming *= 2
			got, w, c = fire(n, arming)
		}
		if got != n {
			fmt.Fprintf(os.Stderr, "timers_1m_fire: %d of %d arrived\n", got, n)
			os.Exit(1)
		}
		if w < wall {
			wall, cpu = w, c
		}
	}
	fmt.Printf(`{"scenario":"timers_1m_fire","procs":%d,"impl":"go","ns_per_op":%.1f,"cpu_ns_per_op":%.1f}`+"\n",
		procs, float64(wall)/float64(n), float64(cpu)/float64(n))
}

// fire arms n timers, the first to be due after the given time. None "arrived" if that was too short.
func fire(n int, arming time.Duration) (arrived int, wall, cpu time.Duration) {
	var left, early atomic.Int64
	left.Store(int64(n))
	over := make(chan struct{})
	due := time.Now().Add(arming)
	for i := 0; i < n; i++ {
		at := due.Add(time.Duration(i * 7919 % n * 1_000_000 / n))
		time.AfterFunc(time.Until(at), func() {
			if time.Now().Before(at) {
				early.Add(1)
			}
			if left.Add(-1) == 0 {
				close(over)
			}
		})
	}
	tooLate := time.Now().After(due)
	time.Sleep(time.Until(due.Add(-5 * time.Millisecond)))
	before := cpuTime()
	<-over
	wall, cpu = time.Since(due), cpuTime()-before
	if tooLate {
		return 0, wall, cpu
	}
	return n - int(early.Load()), wall, cpu
}

// timersBytes prints the resident bytes that each of a million armed timers costs.
func timersBytes(procs int, scale float64) {
	n := scaled(1_000_000, scale)
	runtime.GC()
	before := residentBytes()
	timers := make([]*time.Timer, n)
	for i := range timers {
		timers[i] = time.NewTimer(time.Hour)
	}
	bytes := residentBytes() - before
	runtime.KeepAlive(timers)
	fmt.Printf(`{"scenario":"timers_1m_bytes","procs":%d,"impl":"go","bytes_per_goroutine":%.1f}`+"\n",
		procs, float64(bytes)/float64(n))
}

func residentBytes() int {
	b, _ := os.ReadFile("/proc/self/statm")
	var total, pages int
	fmt.Sscan(string(b), &total, &pages)
	return pages * os.Getpagesize()
}

func nthPrime(n int) int {
	primes := []int{}
	for i := 2; len(primes) < n; i++ {
		isPrime := true
		for _, p := range primes {
			if p*p > i {
				break
			}
			if i%p == 0 {
				isPrime = false
				break
			}
		}
		if isPrime {
			primes = append(primes, i)
		}
	}
	return primes[n-1]
}

// memParked prints the resident bytes that each of 500,000 goroutines costs while it is parked on
// a channel receive.
func memParked(procs int, scale float64) {
	n := scaled(500_000, scale)
	runtime.GC()
	before := residentBytes()
	c := make(chan int)
	for i := 0; i < n; i++ {
		go func() { <-c }()
	}
	time.Sleep(500 * time.Millisecond)
	fmt.Printf(`{"scenario":"mem_parked","procs":%d,"impl":"go","bytes_per_goroutine":%.1f}`+"\n",
		procs, float64(residentBytes()-before)/float64(n))
}

// scaled rounds up to a multiple of 1000 so that every scenario can divide its count evenly.
func scaled(count int, scale float64) int {
	return (int(float64(count)*scale) + 999) / 1000 * 1000
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(s scenario, procs, best int, scale float64) {
	n := int(float64(s.count) * scale)
	if !s.wholeRun {
		n = scaled(s.count, scale)
	}
	n = max(n, 1)
	wall, cpu := time.Duration(1<<62), time.Duration(0)
	for i := 0; i < best; i++ {
		c0, t0 := cpuTime(), time.Now()
		got := s.run(n)
		w, c := time.Since(t0), cpuTime()-c0
		if got != n {
			fmt.Fprintf(os.Stderr, "%s: %d of %d arrived\n", s.name, got, n)
			os.Exit(1)
		}
		if w < wall {
			wall, cpu = w, c
		}
	}
	ops := n
	if s.wholeRun {
		ops = 1
	}
	fmt.Printf(`{"scenario":"%s","procs":%d,"impl":"go","ns_per_op":%.1f,"cpu_ns_per_op":%.1f}`+"\n",
		s.name, procs, float64(wall)/float64(ops), float64(cpu)/float64(ops))
}

func main() {
	procs := flag.Int("procs", 1, "GOMAXPROCS")
	filter := flag.String("filter", "", "run only the scenario of this name")
	best := flag.Int("best", 5, "runs per scenario; the fastest counts")
	scale := flag.Float64("scale", 1, "multiply every operation count by this")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)
	wanted := func(name string) bool { return *filter == "" || *filter == name }
	for _, s := range slices.Concat(scenarios, syncScenarios, workScenarios) {
		if wanted(s.name) {
			measure(s, *procs, *best, *scale)
		}
	}
	if wanted("timers_1m_fire") {
		timersFire(*procs, *best, *scale)
	}
	if wanted("timers_1m_bytes") {
		timersBytes(*procs, *scale)
	}
	if wanted("mem_parked") {
		memParked(*procs, *scale)
	}
}
