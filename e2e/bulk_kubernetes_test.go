//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// The Jobs of deploy/kubernetes on a real cluster of one node, with drydock's own image: three shards and their merge give what one
// process gives, also when pods are deleted half-way.
//
//	E2E_KUBERNETES=1  runs it: make e2e-kubernetes. kubectl must reach a cluster whose node is this machine and pulls from the registry
//	                  of E2E_REGISTRY (127.0.0.1:5000 in the lab).
func TestBulkKubernetes(t *testing.T) {
	if os.Getenv("E2E_KUBERNETES") == "" {
		t.Skip("E2E_KUBERNETES isn't set: make e2e-kubernetes sets it")
	}
	addr := labRegistry(t)
	tag := pushBuilt(t, addr, "e2e/drydock", deployImage(t))
	repositories := bulkRepositories(t, 30)

	t.Run("server accepts", func(t *testing.T) {
		for _, overlay := range []string{"base", "one-node", "object-store"} {
			c := newCluster(t)
			out := c.kubectl(t, "apply", "--kustomize", filepath.Join(world.root, "deploy/kubernetes", overlay), "--dry-run=server")
			for _, want := range []string{"job.batch/drydock-bulk created", "job.batch/drydock-merge created", "configmap/drydock-bulk-"} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: no %q in\n%s", overlay, want, out)
				}
			}
		}
	})
	t.Run("shards", func(t *testing.T) {
		c := newCluster(t)
		c.apply(t, c.overlay(t, addr, tag, repositories, ""))
		c.finish(t, "drydock-bulk")
		c.merge(t)
		sameReport(t, filepath.Join(c.results, "report.jsonl"), repositories)
		c.shared(t)
	})
	t.Run("object store", func(t *testing.T) {
		c := newCluster(t)
		c.apply(t, c.bucket(t, addr, tag, repositories))
		c.finish(t, "drydock-bulk")
		c.shared(t)
		c.merge(t)
		sameReport(t, filepath.Join(c.results, "report.jsonl"), repositories)
	})
	t.Run("deleted half-way", func(t *testing.T) {
		c := newCluster(t)
		c.apply(t, c.overlay(t, addr, tag, repositories, slowGit))
		first := c.pod(t, 0)
		killed := c.pod(t, 1)
		deletion := map[int][]string{
			0: {"delete", "pod", first, "--wait=false"},                 // SIGTERM, as when a node is drained
			1: {"delete", "pod", killed, "--force", "--grace-period=0"}, // as when a node is gone
		}
		before := map[int]int{}
		c.until(t, "two repositories of each shard", func() bool { // whichever has them first
			for index, words := range deletion {
				if n := c.done(t, index); before[index] == 0 && n >= 2 {
					c.kubectl(t, words...)
					before[index] = n
				}
			}
			return len(before) == 2
		})
		c.finish(t, "drydock-bulk")
		for index, old := range map[int]string{0: first, 1: killed} {
			if now := c.pod(t, index); now == old {
				t.Errorf("shard %d was finished by the pod that was deleted, %s", index, old)
			}
			if total := c.done(t, index); before[index] == 0 || before[index] >= total {
				t.Errorf("shard %d: %d of %d repositories were done when its pod was deleted: that is not half-way", index, before[index], total)
			}
		}
		c.merge(t)
		sameReport(t, filepath.Join(c.results, "report.jsonl"), repositories)
		c.once(t)
	})
}

// slowGit takes git's place, so that a shard takes seconds, and a pod can be deleted before it has ended.
const slowGit = "#!/bin/sh\nsleep 1\nexec /usr/bin/git \"$@\"\n"

// cluster is a namespace of its own and the folder in which its Jobs leave their results.
type cluster struct{ namespace, results string }

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{namespace: "drydock-" + nonce(), results: t.TempDir()}
	if err := os.Chown(c.results, 65532, 65532); err != nil { // kubelet changes no owner of a hostPath
		t.Fatal(err)
	}
	c.kubectl(t, "create", "namespace", c.namespace)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("kubectl", "--namespace", c.namespace, "describe", "jobs,pods").CombinedOutput()
			logs, _ := exec.Command("kubectl", "--namespace", c.namespace, "logs", "--selector=app.kubernetes.io/name=drydock-bulk", "--tail=40", "--prefix").CombinedOutput()
			t.Logf("%s\n%s", out, logs)
		}
		// t's context has ended here
		if out, err := exec.Command("kubectl", "delete", "namespace", c.namespace, "--wait=true", "--timeout=2m").CombinedOutput(); err != nil {
			t.Errorf("namespace %s is left behind: %v\n%s", c.namespace, err, out)
		}
	})
	return c
}

func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, "", "kubectl", append([]string{"--namespace", c.namespace}, args...)...)
}

// overlay writes one over deploy/kubernetes/one-node, as a user would: image, folders, and what the lab wants besides (pods there have
// no network of their own, and two CPUs hold three pods only when they ask for less).
func (c *cluster) overlay(t *testing.T, addr, tag, repositories, git string) (dir string) {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"base", "one-node"} {
		if err := os.CopyFS(filepath.Join(root, d), os.DirFS(filepath.Join(world.root, "deploy/kubernetes", d))); err != nil {
			t.Fatal(err)
		}
	}
	// The pods run as 65532, and git reads no repository of another user.
	output(t, "", "chown", "-R", "65532:65532", repositories)
	open(t, repositories)
	open(t, c.results)
	dir = filepath.Join(root, "lab")
	write(t, filepath.Join(dir, "flags"), "/repositories\n--unsafe\n# one after the other, so that there is a half-way\n-j\n1\n")
	more := ""
	if git != "" {
		write(t, filepath.Join(dir, "git"), git)
		more = `
      - op: add
        path: /spec/template/spec/volumes/-
        value: {name: slow, configMap: {name: slow, defaultMode: 493}}
      - op: add
        path: /spec/template/spec/containers/0/volumeMounts/-
        value: {name: slow, mountPath: /slow}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: PATH, value: "/slow:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}`
	} else {
		write(t, filepath.Join(dir, "git"), slowGit) // not mounted
	}
	write(t, filepath.Join(dir, "kustomization.yaml"), fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../one-node]
configMapGenerator:
  - {name: drydock-bulk, behavior: merge, files: [flags]}
  - {name: slow, files: [git]}
secretGenerator:
  - {name: drydock-token, literals: [GITHUB_TOKEN=%s]}
images:
  - {name: registry.example.com/tools/drydock, newName: %s/e2e/drydock, newTag: %s}
patches:
  - target: {kind: Job}
    patch: |
      - op: add
        path: /spec/template/spec/hostNetwork
        value: true
      - op: replace
        path: /spec/template/spec/volumes/1/hostPath/path
        value: %s
      - op: replace
        path: /spec/template/spec/containers/0/resources/requests
        value: {cpu: 100m, memory: 64Mi}
  - target: {kind: Job, name: drydock-bulk}
    patch: |
      - op: replace
        path: /spec/template/spec/volumes/4/hostPath/path
        value: %s%s
`, secret, addr, tag, c.results, repositories, more))
	return dir
}

// bucket is the same over deploy/kubernetes/object-store. The bucket is a folder, which rclone takes for one as it takes S3's; results
// is that folder.
func (c *cluster) bucket(t *testing.T, addr, tag, repositories string) (dir string) {
	t.Helper()
	rclone, err := world.builder.build(t.Context(), request{export: true, dir: folder(t, map[string]string{
		"Dockerfile": "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends rclone && rm -rf /var/lib/apt/lists/*\n",
	})})
	if err != nil {
		t.Fatal(err)
	}
	store := pushBuilt(t, addr, "e2e/rclone", rclone.digest)
	root := t.TempDir()
	for _, d := range []string{"base", "object-store"} {
		if err := os.CopyFS(filepath.Join(root, d), os.DirFS(filepath.Join(world.root, "deploy/kubernetes", d))); err != nil {
			t.Fatal(err)
		}
	}
	output(t, "", "chown", "-R", "65532:65532", repositories)
	open(t, repositories)
	open(t, c.results)
	dir = filepath.Join(root, "lab")
	write(t, filepath.Join(dir, "sources"), "# in flags\n")
	write(t, filepath.Join(dir, "flags"), "/repositories\n--unsafe\n")
	write(t, filepath.Join(dir, "kustomization.yaml"), fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../object-store]
configMapGenerator:
  - {name: drydock-bulk, behavior: merge, files: [sources, flags], literals: [SHARDS=3]}
  - {name: drydock-store, behavior: merge, literals: ["BUCKET=store:/bucket"]}
secretGenerator:
  - {name: drydock-store, literals: [RCLONE_CONFIG_STORE_TYPE=local]}
images:
  - {name: drydock, newName: %[1]s/e2e/drydock, newTag: %[2]s}
  - {name: rclone/rclone, newName: %[1]s/e2e/rclone, newTag: %[3]s}
patches:
  - target: {kind: Job}
    patch: |
      - {op: add, path: /spec/template/spec/hostNetwork, value: true}
      - {op: replace, path: /spec/template/spec/containers/0/resources/requests, value: {cpu: 100m, memory: 64Mi}}
      - {op: add, path: /spec/template/spec/volumes/-, value: {name: bucket, hostPath: {path: %[4]s}}}
      - {op: add, path: /spec/template/spec/volumes/-, value: {name: repositories, hostPath: {path: %[5]s}}}
      - {op: add, path: /spec/template/spec/containers/0/volumeMounts/-, value: {name: repositories, mountPath: /repositories, readOnly: true}}
      - {op: add, path: /spec/template/spec/initContainers/0/volumeMounts/-, value: {name: bucket, mountPath: /bucket}}
      - {op: add, path: /spec/template/spec/initContainers/1/volumeMounts/-, value: {name: bucket, mountPath: /bucket}}
  - target: {kind: Job, name: drydock-bulk}
    patch: |
      - {op: replace, path: /spec/completions, value: 3}
      - {op: replace, path: /spec/parallelism, value: 3}
`, addr, tag, store, c.results, repositories))
	return dir
}

// open lets everybody pass through the folders above dir, which t.TempDir made for one user.
func open(t *testing.T, dir string) {
	t.Helper()
	for at := dir; strings.HasPrefix(at, os.TempDir()+"/"); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) apply(t *testing.T, dir string) {
	t.Helper()
	c.kubectl(t, "apply", "--kustomize", dir)
}

// finish waits until a Job has ended well. One that failed ends the wait at once.
func (c *cluster) finish(t *testing.T, job string) {
	t.Helper()
	c.until(t, job+" to end", func() bool {
		var j struct {
			Status struct {
				Conditions []struct{ Type, Status, Message string }
			}
		}
		c.get(t, &j, "job", job)
		for _, s := range j.Status.Conditions {
			if s.Type == "Failed" && s.Status == "True" {
				t.Fatalf("%s failed: %s", job, s.Message)
			}
			if s.Type == "Complete" && s.Status == "True" {
				return true
			}
		}
		return false
	})
}

// merge starts the second Job as deploy/README.md says.
func (c *cluster) merge(t *testing.T) {
	t.Helper()
	c.kubectl(t, "patch", "job/drydock-merge", "--type=merge", "--patch", `{"spec":{"suspend":false}}`)
	c.finish(t, "drydock-merge")
	for _, form := range []string{"csv", "jsonl", "sarif", "html"} {
		if info, err := os.Stat(filepath.Join(c.results, "report."+form)); err != nil || info.Size() == 0 {
			t.Errorf("no report.%s: %v", form, err)
		}
	}
	noSecret(t, c.results)
}

// pod waits for the pod of a shard that isn't on its way out, and gives its name.
func (c *cluster) pod(t *testing.T, index int) (pod string) {
	t.Helper()
	c.until(t, fmt.Sprintf("a pod of shard %d", index), func() bool {
		var list struct {
			Items []struct {
				Metadata struct {
					Name              string
					DeletionTimestamp string
				}
			}
		}
		c.get(t, &list, "pods", "--selector", fmt.Sprintf("batch.kubernetes.io/job-name=drydock-bulk,batch.kubernetes.io/job-completion-index=%d", index))
		for _, p := range list.Items {
			if p.Metadata.DeletionTimestamp == "" {
				pod = p.Metadata.Name
			}
		}
		return pod != ""
	})
	return pod
}

func (c *cluster) get(t *testing.T, into any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.kubectl(t, append([]string{"get", "--output=json"}, args...)...)), into); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); !reached(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 4 minutes for %s", what)
		}
	}
}

// done counts the repositories of a shard that are done, as its journal says.
func (c *cluster) done(t *testing.T, index int) int { return len(c.names(t, index)) }

// names are those of the results in a shard's journal, in its order. A journal line is an array of length, checksum and record.
func (c *cluster) names(t *testing.T, index int) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.results, fmt.Sprintf("shard-%d.journal", index)))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var parts []json.RawMessage
		var r struct {
			Done *struct {
				Name string `json:"name"`
			} `json:"done"`
		}
		if json.Unmarshal(line, &parts) != nil || len(parts) == 0 || json.Unmarshal(parts[len(parts)-1], &r) != nil || r.Done == nil {
			continue // a header, a step, a line that is being written
		}
		names = append(names, r.Done.Name)
	}
	return names
}

// once holds that no repository was worked on to its end twice, by whichever pod.
func (c *cluster) once(t *testing.T) {
	t.Helper()
	seen := map[string]int{}
	for index := range 3 {
		for _, n := range c.names(t, index) {
			if first, twice := seen[n]; twice {
				t.Errorf("%s was done by shard %d and by shard %d", n, first, index)
			}
			seen[n] = index
		}
	}
}

// shared holds that each of the three shards had a part.
func (c *cluster) shared(t *testing.T) {
	t.Helper()
	c.once(t)
	for index := range 3 {
		if c.done(t, index) == 0 {
			t.Errorf("shard %d had no repository", index)
		}
	}
}

// pushBuilt pushes an image of world.layout under a tag that names its content.
func pushBuilt(t *testing.T, addr, repository, digest string) (tag string) {
	t.Helper()
	h, err := v1.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	img, err := layout.Path(world.layout).Image(h)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := name.NewRegistry(addr, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	tag = h.Hex[:16]
	if err := remote.Write(reg.Repo(repository).Tag(tag), img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return tag
}
