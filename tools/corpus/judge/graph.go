package judge

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// graph is a marshalled LLB definition.
type graph struct {
	ops  map[string]*pb.Op
	root *pb.Input
}

func newGraph(def *llb.Definition) (*graph, error) {
	g := &graph{ops: map[string]*pb.Op{}}
	for i, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		if i == len(def.Def)-1 { // the last one only points to the output
			if len(op.Inputs) > 0 {
				g.root = op.Inputs[0]
			}
			continue
		}
		g.ops[digest.FromBytes(dt).String()] = &op
	}
	return g, nil
}

// chain follows the root file system down to the image it starts from. Merging
// (COPY --link) puts the linked copy right after what it lies upon.
func (g *graph) chain() (ops []*pb.Op, base string) {
	base = "scratch"
	in := g.root
	for in != nil {
		op := g.ops[in.Digest]
		if op == nil {
			break
		}
		switch x := op.Op.(type) {
		case *pb.Op_Source:
			base = x.Source.Identifier
			in = nil
		case *pb.Op_Exec:
			ops = append(ops, op)
			in = nil
			for _, m := range x.Exec.Mounts {
				if m.Dest == "/" {
					in = input(op, m.Input)
				}
			}
		case *pb.Op_File:
			ops = append(ops, op)
			in = nil
			if len(x.File.Actions) > 0 {
				in = input(op, x.File.Actions[0].Input)
			}
		case *pb.Op_Merge:
			for i := len(x.Merge.Inputs) - 1; i > 0; i-- {
				if over := input(op, x.Merge.Inputs[i].Input); over != nil {
					ops = append(ops, g.ops[over.Digest])
				}
			}
			in = nil
			if len(x.Merge.Inputs) > 0 {
				in = input(op, x.Merge.Inputs[0].Input)
			}
		default:
			in = nil
		}
	}
	for i, j := 0, len(ops)-1; i < j; i, j = i+1, j-1 {
		ops[i], ops[j] = ops[j], ops[i]
	}
	return ops, base
}

func input(op *pb.Op, i int64) *pb.Input {
	if i < 0 || int(i) >= len(op.Inputs) {
		return nil
	}
	return op.Inputs[i]
}

// from names where an input comes from: "context", "stage", or a source.
func (g *graph) from(in *pb.Input) string {
	if in == nil {
		return "scratch"
	}
	op := g.ops[in.Digest]
	if op == nil {
		return "scratch"
	}
	switch x := op.Op.(type) {
	case *pb.Op_Source:
		if strings.HasPrefix(x.Source.Identifier, "local://") {
			return "context"
		}
		return x.Source.Identifier
	case *pb.Op_File:
		for _, a := range x.File.Actions {
			if mk := a.GetMkfile(); mk != nil && len(x.File.Actions) == 1 {
				return fmt.Sprintf("inline %q", mk.Data)
			}
		}
	}
	return "stage"
}

func (g *graph) add(img *Image, stage string, op *pb.Op) {
	switch x := op.Op.(type) {
	case *pb.Op_Exec:
		e := Exec{
			Stage: stage, Args: x.Exec.Meta.Args, Env: x.Exec.Meta.Env,
			Cwd: x.Exec.Meta.Cwd, User: x.Exec.Meta.User,
		}
		g.mounts(img, &e, op, x.Exec)
		img.Execs = append(img.Execs, e)
	case *pb.Op_File:
		for _, a := range x.File.Actions {
			if c := a.GetCopy(); c != nil {
				from := g.from(input(op, a.SecondaryInput))
				if strings.HasPrefix(from, "docker-image://") {
					img.Bases = append(img.Bases, from)
				}
				img.Copies = append(img.Copies, copyText(from, c))
			}
		}
	}
}

func (g *graph) mounts(img *Image, e *Exec, op *pb.Op, x *pb.ExecOp) {
	for _, m := range x.Mounts {
		switch {
		case m.Dest == "/":
			continue
		case m.Dest == "/dev/pipes/":
			if in := input(op, m.Input); in != nil && g.ops[in.Digest] != nil {
				for _, a := range g.ops[in.Digest].GetFile().GetActions() {
					e.Inline = string(a.GetMkfile().GetData())
				}
			}
			continue
		}
		s := strings.ToLower(m.MountType.String()) + " " + m.Dest
		switch m.MountType {
		case pb.MountType_BIND:
			from := g.from(input(op, m.Input))
			if strings.HasPrefix(from, "docker-image://") {
				img.Bases = append(img.Bases, from)
			}
			s += " from " + from + " " + path.Join("/", m.Selector)
		case pb.MountType_CACHE:
			s += " " + strings.ToLower(m.CacheOpt.GetSharing().String()) + " " + m.CacheOpt.GetID()
		}
		e.Mounts = append(e.Mounts, s)
	}
	for _, s := range x.Secretenv {
		e.Mounts = append(e.Mounts, "secret $"+s.Name)
	}
	if x.Network != pb.NetMode_UNSET {
		e.Mounts = append(e.Mounts, "network "+x.Network.String())
	}
	if x.Security != pb.SecurityMode_SANDBOX {
		e.Mounts = append(e.Mounts, "security "+x.Security.String())
	}
	for _, d := range x.CdiDevices {
		e.Mounts = append(e.Mounts, "device "+d.Name)
	}
	sort.Strings(e.Mounts)
}

func copyText(from string, c *pb.FileActionCopy) string {
	s := from + ": " + c.Src + " -> " + c.Dest
	if c.Owner != nil {
		s += " owner=" + user(c.Owner.User) + ":" + user(c.Owner.Group)
	}
	if c.ModeStr != "" {
		s += " mode=" + c.ModeStr
	} else if c.Mode >= 0 {
		s += fmt.Sprintf(" mode=%o", c.Mode)
	}
	if len(c.ExcludePatterns) > 0 {
		s += " exclude=" + strings.Join(c.ExcludePatterns, ",")
	}
	if c.AttemptUnpackDockerCompatibility && mayUnpack(c.Src) {
		s += " unpack"
	}
	return s
}

// mayUnpack: ADD differs from COPY only where the source may be an archive.
func mayUnpack(src string) bool {
	base := strings.ToLower(path.Base(src))
	if strings.ContainsAny(base, "*?[") {
		ext := path.Ext(base)
		if ext == "" || strings.ContainsAny(ext, "*?[") {
			return true
		}
	}
	for _, ext := range []string{".tar", ".tgz", ".gz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".zst", ".lzma"} {
		if strings.HasSuffix(base, ext) {
			return true
		}
	}
	return false
}

func user(u *pb.UserOpt) string {
	if u == nil {
		return ""
	}
	switch x := u.User.(type) {
	case *pb.UserOpt_ByName:
		return x.ByName.Name
	case *pb.UserOpt_ByID:
		return fmt.Sprint(x.ByID)
	}
	return ""
}
