package images

import (
	"errors"
	"slices"
)

// First is a Store of several: each question goes to the first that has the
// image. Its errors are those of the last.
func First(stores ...Store) Store { return inTurn(stores) }

type inTurn []Store

func (f inTurn) Name() string { return f[len(f)-1].Name() }

// ask gives the answer of the first store that has one.
func ask[T any](f inTurn, question func(Store) (T, error)) (out T, err error) {
	for _, s := range f {
		if out, err = question(s); !errors.Is(err, ErrNotFound) {
			return out, err
		}
	}
	return out, err
}

func (f inTurn) Resolve(ref Ref) (Descriptor, error) {
	return ask(f, func(s Store) (Descriptor, error) { return s.Resolve(ref) })
}

func (f inTurn) Tags(ref Ref) ([]string, error) {
	return ask(f, func(s Store) ([]string, error) { return s.Tags(ref) })
}

func (f inTurn) Platforms(ref Ref) ([]string, error) {
	return ask(f, func(s Store) ([]string, error) { return s.Platforms(ref) })
}

func (f inTurn) Describe(ref Ref, platform string) (Description, error) {
	return ask(f, func(s Store) (Description, error) { return s.Describe(ref, platform) })
}

// Notes are those of all.
func (f inTurn) Notes() (out []string) {
	for _, s := range f {
		if n, ok := s.(interface{ Notes() []string }); ok {
			out = append(out, n.Notes()...)
		}
	}
	return slices.Compact(out)
}

// Where is the last one's answer.
func (f inTurn) Where(ref Ref) (string, bool) {
	if w, ok := f[len(f)-1].(interface{ Where(Ref) (string, bool) }); ok {
		return w.Where(ref)
	}
	return ref.String(), false
}
