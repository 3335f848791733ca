//go:build e2e

// Package e2e builds real images before and after `drydock fix`, runs both, and compares what they do.
//
//	go test -tags e2e ./e2e                   every directory under fixtures/chain, and some under testdata/hygiene
//	go test -tags e2e ./e2e -run Chain/go     one of them
//
// It needs a builder, and base images which it can resolve: BUILDKIT_HOST with buildctl, or docker buildx with a builder
// that exports OCI layouts (not the "docker" driver). No Docker engine is needed: images run inside BuildKit (see probe).
//
//	E2E_BUILDER=buildctl|buildx   insists on one of the two
//	E2E_ALL=1                     every test and case
//	E2E_PART=2/6                  the second sixth of TestChain's cases
//	E2E_DIRS=DIR:…                folders of yours to build and run before and after (TestElsewhere); E2E_BASE=KIND is their --base
//	E2E_FLAGS="--only distroless" words that fix takes there in place of --base
//	E2E_SCANNER=grype             counts vulnerabilities with it (TestScan, TestShip)
//	E2E_REGISTRY=HOST:PORT        the registry of TestPins, TestRegistry and TestScan
//	E2E_TABLE=FILE                writes the Markdown tables of sizes and times there as well
//	E2E_AFTER=DIR                 takes DIR/CASE/* as the files after, instead of asking drydock: to test the tests
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"

	"drydock/verify/imagefs"
)

// world is what all tests share; TestMain makes it.
var world struct {
	root    string // of the checkout
	drydock string // the program; "" under E2E_AFTER
	probe   string // folder of the probe binary
	builder worldBuilder
	cache   string // of proofs
	layout  string // OCI layout that receives every image: shared, so that base layers are written once
	files   *imagefs.Reader
}

// every tells that all tests and cases run: make e2e-all. Without it a representative part does, for CI has forty minutes.
func every() bool { return os.Getenv("E2E_ALL") != "" }

// onlyAll skips what make e2e-all alone runs.
func onlyAll(t *testing.T) {
	t.Helper()
	if !every() {
		t.Skip("make e2e-all runs it")
	}
}

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := func() (int, error) {
		defer stop()
		tmp, err := os.MkdirTemp("", "drydock-e2e-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(tmp)
		if err := prepare(ctx, tmp); err != nil {
			return 1, err
		}
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		go func() {
			<-interrupted // the tests don't ask ctx
			os.RemoveAll(tmp)
			os.Exit(130)
		}()
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	os.Exit(code)
}

func prepare(ctx context.Context, tmp string) error {
	// What drydock answers is the same on every day and with every network; TestPins asks the registry of the lab.
	for name, value := range map[string]string{"DRYDOCK_OFFLINE": "1", "SOURCE_DATE_EPOCH": "1795824000"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	var err error
	if world.root, err = filepath.Abs(".."); err != nil {
		return err
	}
	if world.builder, err = findBuilder(ctx); err != nil {
		return err
	}
	world.layout, world.probe = filepath.Join(tmp, "oci"), filepath.Join(tmp, "probe")
	world.cache = filepath.Join(tmp, "cache")
	world.files = imagefs.NewReader(world.layout)
	if table := os.Getenv("E2E_TABLE"); table != "" {
		if err := os.RemoveAll(table); err != nil {
			return err
		}
	}
	if err := goBuild(ctx, filepath.Join(world.probe, "probe"), "./verify/probe/program", "CGO_ENABLED=0", "GOOS=linux"); err != nil {
		return err
	}
	if os.Getenv("E2E_AFTER") != "" {
		return nil
	}
	world.drydock = filepath.Join(tmp, "drydock")
	return goBuild(ctx, world.drydock, "./cmd/drydock")
}

func goBuild(ctx context.Context, out, pkg string, env ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", out, pkg)
	cmd.Dir, cmd.Env = world.root, append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}
