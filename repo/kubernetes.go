package repo

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Container is one container of a workload in a Kubernetes manifest: what bears
// on the user that it runs as
// (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/).
type Container struct {
	File     string // context-relative
	Line     int    // 1-based line of the container
	Workload string // "Deployment web"
	Image    string // as written; "" or a template's rest where it is computed

	User         string // runAsUser of the container, else of the pod; "" when not set
	UserLine     int
	NonRoot      bool // runAsNonRoot: the kubelet then refuses an image whose USER is a name, not a number
	Privileged   bool
	Capabilities []string // added ones
	Group        string   // fsGroup; "" when not set
	Ports        []int
	Mounts       []Mount

	Command, Args []string   // in the place of ENTRYPOINT and CMD; nil where the image's own run
	Exec          [][]string // commands of its probes and lifecycle hooks
}

// Mount is a volume in a container.
type Mount struct {
	Line     int
	Path     string
	Kind     string // "hostPath", "claim" (a persistent volume), "emptyDir", "config" (secrets and the like); "" unknown
	ReadOnly bool
}

const (
	maxManifest  = 1 << 20
	maxManifests = 200
)

// workloads have a pod at this place.
var workloads = map[string][]string{
	"Pod":         {"spec"},
	"Deployment":  {"spec", "template", "spec"},
	"StatefulSet": {"spec", "template", "spec"},
	"DaemonSet":   {"spec", "template", "spec"},
	"ReplicaSet":  {"spec", "template", "spec"},
	"Job":         {"spec", "template", "spec"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template", "spec"},
}

// Containers lists the containers of the Kubernetes manifests in the context, init
// containers included, in the order of files. Templates of Helm are read with their
// actions blanked; a file that is no YAML is left out.
func (r *Repo) Containers() []Container {
	return r.facts.containers.get(struct{}{}, func() (out []Container) {
		files, _ := r.Files()
		read := 0
		for _, f := range files {
			if e := path.Ext(f); e != ".yaml" && e != ".yml" || composeName.MatchString(path.Base(f)) || read >= maxManifests {
				continue
			}
			if fi := r.stat(f); fi == nil || fi.Size() > maxManifest {
				continue
			}
			src, err := r.ReadFile(f)
			if err != nil || !bytes.Contains(src, []byte("kind:")) || !bytes.Contains(src, []byte("containers:")) {
				continue
			}
			read++
			out = append(out, readManifest(f, src)...)
		}
		return out
	})
}

var helmAction = lazy(`\{\{[^\n]*?\}\}`)

func readManifest(file string, src []byte) (out []Container) {
	t := text(src)
	if strings.Contains(t, "{{") {
		ls := strings.Split(t, "\n")
		for i, l := range ls {
			if strings.HasPrefix(strings.TrimSpace(l), "{{") {
				ls[i] = ""
			} else {
				ls[i] = helmAction.ReplaceAllString(l, "x")
			}
		}
		t = strings.Join(ls, "\n")
	}
	dec := yaml.NewDecoder(strings.NewReader(t))
	_ = guard(func() error {
		for range 100 {
			var doc yaml.Node
			if err := dec.Decode(&doc); err != nil {
				return err // or the file's end
			}
			if len(doc.Content) != 1 {
				continue
			}
			objects := []*yaml.Node{doc.Content[0]}
			if scalar(get(objects[0], "kind")) == "List" {
				objects = sequence(get(objects[0], "items"))
			}
			for _, o := range objects {
				out = append(out, podOf(file, o)...)
			}
		}
		return nil
	})
	return out
}

func podOf(file string, object *yaml.Node) (out []Container) {
	kind := scalar(get(object, "kind"))
	way, ok := workloads[kind]
	if !ok {
		return nil
	}
	pod := object
	for _, key := range way {
		pod = get(pod, key)
	}
	outer := get(pod, "securityContext")
	volumes := map[string]string{}
	for _, v := range sequence(get(pod, "volumes")) {
		volumes[scalar(get(v, "name"))] = volumeKind(v)
	}
	for _, t := range sequence(get(object, "spec", "volumeClaimTemplates")) {
		volumes[scalar(get(t, "metadata", "name"))] = "claim"
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, n := range sequence(get(pod, list)) {
			inner := get(n, "securityContext")
			c := Container{
				File: file, Line: n.Line, Workload: kind + " " + scalar(get(object, "metadata", "name")),
				Image:        scalar(get(n, "image")),
				Privileged:   truth(get(inner, "privileged")),
				Capabilities: scalars(get(inner, "capabilities", "add")),
				Group:        scalar(get(outer, "fsGroup")),
				Command:      scalars(get(n, "command")),
				Args:         scalars(get(n, "args")),
			}
			for _, at := range [][]string{{"livenessProbe"}, {"readinessProbe"}, {"startupProbe"}, {"lifecycle", "postStart"}, {"lifecycle", "preStop"}} {
				if words := scalars(get(n, append(at, "exec", "command")...)); len(words) > 0 {
					c.Exec = append(c.Exec, words)
				}
			}
			for _, s := range []*yaml.Node{outer, inner} { // the container's own wins
				if u := get(s, "runAsUser"); scalar(u) != "" {
					c.User, c.UserLine = scalar(u), u.Line
				}
				if v := get(s, "runAsNonRoot"); v != nil {
					c.NonRoot = truth(v)
				}
			}
			for _, p := range sequence(get(n, "ports")) {
				if port, err := strconv.Atoi(scalar(get(p, "containerPort"))); err == nil {
					c.Ports = append(c.Ports, port)
				}
			}
			for _, m := range sequence(get(n, "volumeMounts")) {
				kind := volumes[scalar(get(m, "name"))]
				c.Mounts = append(c.Mounts, Mount{m.Line, scalar(get(m, "mountPath")), kind, truth(get(m, "readOnly"))})
			}
			out = append(out, c)
		}
	}
	return out
}

func volumeKind(v *yaml.Node) string {
	for key, kind := range map[string]string{
		"hostPath": "hostPath", "emptyDir": "emptyDir", "persistentVolumeClaim": "claim", "nfs": "claim", "csi": "claim", "ephemeral": "claim",
		"configMap": "config", "secret": "config", "projected": "config", "downwardAPI": "config",
	} {
		if get(v, key) != nil || hasKey(v, key) {
			return kind
		}
	}
	return ""
}

// hasKey: emptyDir may stand there without a value.
func hasKey(n *yaml.Node, key string) bool {
	for _, p := range yamlMap(n, 0) {
		if p.key == key {
			return true
		}
	}
	return false
}
