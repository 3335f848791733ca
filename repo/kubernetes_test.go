package repo

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestContainers(t *testing.T) {
	got := Load(fstest.MapFS{
		"k8s/web.yaml": {Data: []byte(`apiVersion: v1
kind: Service
spec: {containers: no}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  template:
    spec:
      securityContext: {runAsUser: 1000, fsGroup: 2000}
      containers:
      - name: web
        image: shop/web:1
        securityContext:
          runAsUser: 0
          privileged: true
          capabilities: {add: [NET_ADMIN]}
        ports:
        - containerPort: 80
        volumeMounts:
        - {name: data, mountPath: /app/data}
        - {name: host, mountPath: /host, readOnly: true}
        - {name: scratch, mountPath: /scratch}
      volumes:
      - name: host
        hostPath: {path: /var/log}
      - name: scratch
        emptyDir: {}
  volumeClaimTemplates:
  - metadata: {name: data}
`)},
		"chart/templates/job.yaml": {Data: []byte(`{{- if .Values.job }}
kind: CronJob
metadata:
  name: {{ .Release.Name }}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          securityContext:
            runAsNonRoot: true
          containers:
            - image: "{{ .Values.image }}"
{{- end }}
`)},
		"broken.yaml":  {Data: []byte("kind: Pod\ncontainers: [\n")},
		"compose.yaml": {Data: []byte("kind: x\ncontainers: x\n")},
	}).Containers()
	want := []Container{
		{File: "chart/templates/job.yaml", Line: 13, Workload: "CronJob x", Image: "x", NonRoot: true},
		{File: "k8s/web.yaml", Line: 13, Workload: "StatefulSet web", Image: "shop/web:1", User: "0", UserLine: 16, Privileged: true, Capabilities: []string{"NET_ADMIN"}, Group: "2000", Ports: []int{80},
			Mounts: []Mount{{22, "/app/data", "claim", false}, {23, "/host", "hostPath", true}, {24, "/scratch", "emptyDir", false}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
