package main

// drydock bulk: the Dockerfiles of many repositories.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"drydock/bulk"
	"drydock/bulk/forge"
	"drydock/bulk/git"
	"drydock/bulk/journal"
	"drydock/bulk/source"
	"drydock/images/registry"
)

func bulkCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "bulk",
		Usage:     "work on many repositories: report, patches, branches, pull requests",
		ArgsUsage: "SOURCE… | merge JOURNAL…",
		Description: `SOURCE is a folder (every git repository in it, and outside of git every folder with a
Dockerfile), a file that lists paths, git URLs or OWNER/NAME line by line ("-" for
standard input), a git URL, or github:OWNER, gitlab:GROUP, gitea:OWNER, each also with
/NAME. What stands at HEAD is worked on; no work tree, index or HEAD is ever touched.

Without --patch and --branch it only reports. A journal keeps what was done: the same
command goes on after a kill, and nothing is done twice. "bulk merge" makes the reports
of one run from the journals of its shards. docs/bulk.md tells more.

Exit codes:
   0   every repository was worked on, or rightly left alone
   2   some could not be worked on; the others were
   64  the command line is wrong`,
		Flags:  slices.Concat(bulkFlags(), bulkSharedFlags(), proofFlags()),
		Action: func(c *cli.Context) error { return runBulk(c, s) },
	}
}

func bulkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "patch", Usage: "write a patch of each changed repository into `DIR`; git am takes it"},
		&cli.StringFlag{Name: "branch", Usage: "commit the changes to a new branch `NAME`"},
		&cli.BoolFlag{Name: "split", Usage: "one commit per transform"},
		&cli.BoolFlag{Name: "push", Usage: "push the branch"},
		&cli.BoolFlag{Name: "pr", Usage: "open a pull request, or bring the one of the branch up to date; pushes"},
		&cli.StringFlag{Name: "remote", Value: "origin", Usage: "the remote (`NAME`) of local repositories"},
		&cli.StringFlag{Name: "message", Usage: "`TEMPLATE` of commit messages (docs/bulk.md has its fields)"},
		&cli.StringFlag{Name: "title", Usage: "`TEMPLATE` of the pull requests' title"},
		&cli.StringFlag{Name: "body", Usage: "`FILE` with the template of the pull requests' text"},
		&cli.StringFlag{Name: "author", Usage: "author of commits, `'NAME <ADDRESS>'`; git's configuration has it otherwise"},
		&cli.BoolFlag{Name: "sign-off", Usage: "add Signed-off-by to commits"},
		&cli.BoolFlag{Name: "sign", Usage: "sign commits as git's configuration says"},
		&cli.BoolFlag{Name: "draft", Usage: "open pull requests as drafts"},
		&cli.StringSliceFlag{Name: "label", Usage: "put `LABEL,…` on pull requests"},
		&cli.StringSliceFlag{Name: "reviewer", Usage: "ask `USER,…` for a review"},
		&cli.IntFlag{Name: "max-open", Usage: "have at most `N` pull requests open at once; the others wait for another run"},
		&cli.DurationFlag{Name: "pause", Value: time.Second, Usage: "wait for `TIME` between two pull requests"},
		&cli.BoolFlag{Name: "close-empty", Usage: "close pull requests of the branch that have nothing left to change"},
		&cli.BoolFlag{Name: "reopen", Usage: "open a pull request also where somebody closed one with the same changes"},

		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: runtime.GOMAXPROCS(0), Usage: "work on `N` repositories at once"},
		&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute, Usage: "give up on a repository after `TIME`"},
		&cli.StringFlag{Name: "journal", Usage: "`FILE` that keeps what was done; without it one in the cache folder, by sources and flags"},
		&cli.BoolFlag{Name: "restart", Usage: "begin anew where a journal of another command or an unfinished run is there"},
		&cli.StringFlag{Name: "shard", Usage: "take the `I/N`th part of the repositories; auto reads the variables of Kubernetes' indexed jobs and of GitLab"},
		&cli.StringFlag{Name: "cache", Usage: "keep clones in `DIR`"},
		&cli.IntFlag{Name: "depth", Value: 1, Usage: "clone `N` commits"},
		&cli.BoolFlag{Name: "replay", Usage: "tell what git history says of the cache (raises --depth to 51)"},

		&cli.StringFlag{Name: "forge-url", Usage: "the forge's address (`URL`), where it isn't the public one"},
		&cli.BoolFlag{Name: "archived", Usage: "take archived repositories too"},
		&cli.BoolFlag{Name: "forks", Usage: "take forks too"},
		&cli.StringSliceFlag{Name: "topic", Usage: "take repositories with one of these topics (`TOPIC,…`)"},
		&cli.StringSliceFlag{Name: "language", Usage: "take repositories in one of these languages (`NAME,…`)"},

		&cli.BoolFlag{Name: "verify", Usage: "build and run each image before and after; keep what is proven"},
		&cli.GenericFlag{Name: "builders", Value: &list{}, Usage: "builders that share the work (`NAME`, as --builder); may stand several times"},
	}
}

// bulkSharedFlags are those of diff that make sense for many repositories, and the reports.
func bulkSharedFlags() []cli.Flag {
	shared := without(sharedFlags(), "context", "format", "output")
	return append(shared, reportFlags()...)
}

func runBulk(c *cli.Context, s streams) error {
	if c.Args().First() == "merge" {
		return runBulkMerge(c, s)
	}
	if c.NArg() == 0 {
		return usagef("bulk needs a SOURCE: a folder, a list, a git URL, or github:OWNER, gitlab:GROUP, gitea:OWNER")
	}
	set, err := readSettings(c)
	if err != nil {
		return err
	}
	set.narrowed(noCheckOnly)
	opt, err := bulkOptions(c)
	if err != nil {
		return err
	}
	shard, err := readShard(c.String("shard"))
	if err != nil {
		return err
	}
	opt.Shard, opt.Shards = shard.I, shard.N
	opt.Key, opt.Reproduce = bulkKey(c), reproduce(c)
	if opt.Journal == "" {
		var list []byte
		if slices.Contains(set.paths, "-") {
			if list, err = io.ReadAll(s.in); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			s.in = bytes.NewReader(list)
		}
		if opt.Journal, err = ownJournal(opt.Key, list, shard); err != nil {
			return err
		}
	}
	if err := apart(c, opt.Journal); err != nil {
		return err
	}
	reports, err := readReports(c, s, set)
	if err != nil {
		return err
	}
	if c.Bool("restart") {
		if err := journal.Forget(opt.Journal); err != nil {
			return fmt.Errorf("--restart: %w", err)
		}
	}
	store, err := set.source(c.Context)
	if err != nil {
		return err
	}
	work := &bulkWork{settings: set, images: store, replay: c.Bool("replay")}
	done, err := work.proving(c, s)
	if err != nil {
		return err
	}
	defer done()
	opt.Work, opt.IsDockerfile = work.do, isDockerfile
	progress := newBulkProgress(s.err, isTerminal(s.err), terminalWidth)
	forges := newForges(c, progress)
	opt.Repos = source.Discover(c.Context, set.paths, source.Options{
		Forges: forges.get, Shard: shard, IsDockerfile: isDockerfile, In: s.in,
		Filter: forge.Filter{Archived: c.Bool("archived"), Forks: c.Bool("forks"), Topics: c.StringSlice("topic"), Languages: c.StringSlice("language")},
	})
	if !set.quiet {
		opt.Events = progress.event
	}
	summary, err := bulk.Run(c.Context, opt)
	progress.close()
	if err != nil && c.Context.Err() != nil {
		return interruptedBulk(opt)
	} else if err != nil {
		return err
	}
	if err := reports.write(opt.Journal); err != nil {
		return err
	}
	if summary.Failed > 0 {
		return errFailed
	}
	return nil
}

// interruptedBulk says what a run that was told to end leaves, and how it goes on.
func interruptedBulk(o bulk.Options) error {
	done := "nothing was changed"
	if o.PatchDir != "" || o.Branch != "" {
		done = "what was done so far stays"
	}
	return errors.New("interrupted; " + done + ": the same command goes on")
}

// bulkOptions reads the flags that say what is done with changes.
func bulkOptions(c *cli.Context) (o bulk.Options, err error) {
	o = bulk.Options{
		Workers: c.Int("jobs"), Timeout: c.Duration("timeout"), Journal: c.String("journal"), Version: version(),
		Depth: c.Int("depth"), PatchDir: c.String("patch"), Branch: c.String("branch"), Message: c.String("message"),
		SignOff: c.Bool("sign-off"), Sign: c.Bool("sign"), Split: c.Bool("split"), Push: c.Bool("push") || c.Bool("pr"), Remote: c.String("remote"),
	}
	switch {
	case o.Workers < 1:
		return o, usagef("--jobs %d: give 1 or more", o.Workers)
	case o.Timeout < 0:
		return o, usagef("--timeout %v: give a time, or 0 for none", o.Timeout)
	case o.Depth < 1:
		return o, usagef("--depth %d: give 1 or more", o.Depth)
	case c.IsSet("branch") && o.Branch == "":
		return o, usagef("--branch needs a name")
	case c.IsSet("patch") && o.PatchDir == "":
		return o, usagef("--patch needs a folder")
	case c.IsSet("journal") && o.Journal == "":
		return o, usagef("--journal needs a file")
	case o.Branch == "" && o.Push:
		return o, usagef("--push and --pr need a branch: name it with --branch")
	case c.Int("max-open") < 0:
		return o, usagef("--max-open %d: give 1 or more, or leave it out for no bound", c.Int("max-open"))
	case c.Duration("pause") < 0:
		return o, usagef("--pause %v: give a time", c.Duration("pause"))
	}
	for _, name := range []string{"forge-url", "archived", "forks", "topic", "language"} {
		if c.IsSet(name) && !slices.ContainsFunc(c.Args().Slice(), source.MayAskForge) {
			return o, usagef("--%s is about repositories of a forge: name github:OWNER, gitlab:GROUP or gitea:OWNER, or leave it out", name)
		}
	}
	if o.Branch != "" {
		if err := git.CheckBranch(o.Branch); err != nil {
			return o, usagef("--branch: %v", err)
		}
	}
	for _, name := range []string{"split", "message", "author", "sign-off", "sign"} {
		if c.IsSet(name) && o.Branch == "" && (o.PatchDir == "" || name == "sign") {
			return o, usagef("--%s is about commits: name a branch with --branch", name)
		}
	}
	for _, name := range []string{"draft", "label", "reviewer", "max-open", "pause", "close-empty", "reopen", "title", "body"} {
		if c.IsSet(name) && !c.Bool("pr") {
			return o, usagef("--%s is about pull requests: add --pr", name)
		}
	}
	if who := c.String("author"); who != "" {
		a, err := mail.ParseAddress(who)
		if err != nil || a.Name == "" {
			return o, usagef("--author %s: write 'NAME <ADDRESS>'", who)
		}
		o.Author = git.Person{Name: a.Name, Email: a.Address}
		o.Committer = o.Author
	}
	if c.Bool("replay") {
		o.Depth = max(o.Depth, quotedCommits+1)
	}
	if c.Bool("pr") {
		o.Pulls = &bulk.Pulls{
			Title: c.String("title"), Draft: c.Bool("draft"), Labels: c.StringSlice("label"), Reviewers: c.StringSlice("reviewer"),
			MaxOpen: c.Int("max-open"), Pause: c.Duration("pause"), CloseEmpty: c.Bool("close-empty"), Reopen: c.Bool("reopen"),
		}
		if name := c.String("body"); name != "" {
			text, err := os.ReadFile(name)
			if err != nil {
				return o, fmt.Errorf("--body: %w", err)
			}
			o.Pulls.Body = string(text)
		}
	}
	if o.Cache = c.String("cache"); o.Cache == "" {
		dir := registry.CacheFolder()
		if dir == "" {
			return o, errors.New("there is no folder for clones: name one with --cache DIR")
		}
		o.Cache = filepath.Join(dir, "clones")
	}
	return o, nil
}

// readShard reads --shard: I/N from 1, or auto.
func readShard(text string) (source.Shard, error) {
	if text == "" {
		return source.Shard{}, nil
	}
	if text == "auto" {
		s, err := source.AutoShard(os.Getenv)
		if err != nil {
			return s, usagef("--shard auto: %v", err)
		}
		return s, nil
	}
	s, err := source.ParseShard(text)
	if err != nil {
		return s, usagef("--shard %s: %v", text, err)
	}
	return s, nil
}

// withoutMeaning are flags that change nothing of what a run does to a repository: one that
// was begun goes on with others.
var withoutMeaning = []string{"jobs", "j", "timeout", "journal", "restart", "shard", "cache", "quiet", "q", "color", "pause", "builder", "builders", "layout", "csv", "jsonl", "sarif", "html"}

// bulkKey is what the flags and the sources amount to.
func bulkKey(c *cli.Context) string {
	var words []string
	for _, name := range c.LocalFlagNames() {
		if slices.Contains(withoutMeaning, name) {
			continue
		}
		value := fmt.Sprint(c.Value(name))
		if l := values(c, name); l != nil {
			value = strings.Join(l, "\n")
		}
		words = append(words, "--"+name+"="+value)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for _, a := range c.Args().Slice() {
		if abs, err := filepath.Abs(a); err == nil {
			if _, err := os.Stat(a); err == nil {
				a = abs
			}
		}
		words = append(words, a)
	}
	return strings.Join(words, "\x00")
}

// reproduce is the command that shows the same changes to one Dockerfile.
func reproduce(c *cli.Context) string {
	out := "drydock diff"
	for _, name := range []string{"unsafe", "offline", "registry", "no-config"} {
		if c.Bool(name) {
			out += " --" + name
		}
	}
	for _, name := range []string{"only", "skip", "with", "policy"} {
		if v := c.StringSlice(name); len(v) > 0 {
			out += " --" + name + " " + strings.Join(v, ",")
		}
	}
	if c.IsSet("config") {
		out += " --config " + c.String("config")
	}
	if c.IsSet("base") {
		out += " --base " + c.String("base")
	}
	return out
}

// ownJournal is the journal of a run whose user names none; list is what standard
// input held, which two runs with the same flags don't share.
func ownJournal(key string, list []byte, shard source.Shard) (string, error) {
	dir := registry.CacheFolder()
	if dir == "" {
		return "", errors.New("there is no folder for the journal: name a file with --journal FILE")
	}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "%s\x00%d/%d", key, shard.I, shard.N), list...))
	return filepath.Join(dir, "bulk", hex.EncodeToString(sum[:8])+".journal"), nil
}

// forges makes each forge once.
type forges struct {
	made map[string]forge.Forge
	opt  forge.Options
}

func newForges(c *cli.Context, p *bulkProgress) *forges {
	return &forges{made: map[string]forge.Forge{}, opt: forge.Options{URL: c.String("forge-url"), Waiting: func(d time.Duration, why string) { p.waits(why, d) }}}
}

func (f *forges) get(name string) (forge.Forge, error) {
	if made := f.made[name]; made != nil {
		return made, nil
	}
	made, err := forge.New(name, f.opt)
	if err == nil {
		f.made[name] = made
	}
	return made, err
}
