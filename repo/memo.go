package repo

import (
	"fmt"
	"sync"
)

// memo computes a value per key once and keeps it. Concurrent callers of one
// key wait for the first; different keys do not wait for each other.
type memo[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]*cell[V]
}

type cell[V any] struct {
	once sync.Once
	v    V
}

func (m *memo[K, V]) get(k K, f func() V) V {
	m.mu.Lock()
	if m.m == nil {
		m.m = map[K]*cell[V]{}
	}
	c := m.m[k]
	if c == nil {
		c = &cell[V]{}
		m.m[k] = c
	}
	m.mu.Unlock()
	c.once.Do(func() { c.v = f() })
	return c.v
}

// guard turns a panic of a parser that is not ours into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser failed: %v", p)
		}
	}()
	return f()
}
