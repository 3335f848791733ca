package registry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// memo lets each question be asked once, however many goroutines have it, and
// keeps the answers of this run.
type memo struct {
	mu    sync.Mutex
	calls map[string]*call
}

type call struct {
	done  chan struct{}
	value any
	err   error
	until time.Time
}

// once gives fn's answer for key; a call under way is waited for, and one that
// ended within the last keep is taken.
func once[T any](m *memo, key string, keep time.Duration, fn func() (T, error)) (T, error) {
	m.mu.Lock()
	c := m.calls[key]
	if c != nil {
		select {
		case <-c.done:
			if !time.Now().Before(c.until) {
				c = nil
			}
		default:
		}
	}
	if c != nil {
		m.mu.Unlock()
		<-c.done
		v, _ := c.value.(T)
		return v, c.err
	}
	c = &call{done: make(chan struct{}), err: errors.New("registry: the question ended in a panic")}
	if m.calls == nil {
		m.calls = map[string]*call{}
	}
	m.calls[key] = c
	m.mu.Unlock()
	defer close(c.done)
	v, err := fn()
	c.value, c.err = v, err
	if !errors.Is(err, context.Canceled) {
		c.until = time.Now().Add(keep)
	}
	return v, err
}
