package main

import (
	"context"
	"sync"
)

// parallel does every item with some workers and hands the results over one by
// one, in the order in which they are ready; memory holds one item per worker.
// The error is the context's.
func parallel[T, R any](ctx context.Context, workers int, items []T, do func(T) R, take func(R)) error {
	in, out := make(chan T), make(chan R)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for it := range in {
				out <- do(it)
			}
		})
	}
	go func() {
		defer close(in)
		for _, it := range items {
			select {
			case in <- it:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(out) }()
	for r := range out {
		take(r)
	}
	return ctx.Err()
}

// spread is at most n of the items, evenly chosen.
func spread[T any](items []T, n int) []T {
	if n <= 0 || n >= len(items) {
		return items
	}
	out := make([]T, n)
	for i := range out {
		out[i] = items[i*len(items)/n]
	}
	return out
}
