package main

// The words of the manual page that the command line doesn't hold.

// manVariables are those that no flag names. A test holds that the program reads no other.
var manVariables = []entry{
	{"DRYDOCK_CACHE", "Folder of what is kept to save time: answers of registries, proofs, clones and journals of bulk. Without it drydock in the user's cache folder (XDG_CACHE_HOME); off for none."},
	{"DRYDOCK_MIRRORS", "Registries that are asked in place of others; docs/registries.md has the form."},
	{"DRYDOCK_SHARDS", "How many shards there are, for bulk --shard auto in a Kubernetes Indexed Job, where JOB_COMPLETION_INDEX names this one. In GitLab's parallel jobs CI_NODE_INDEX and CI_NODE_TOTAL do both."},
	{"SOURCE_DATE_EPOCH", "The day, in seconds since 1970, on which it is judged whether an image is still supported; without it today."},
	{"VISUAL, EDITOR", "The editor of review's and fix -p's e, VISUAL first; vi without."},
	{"NO_COLOR", "Not empty: --color auto doesn't colour. Nor does it where TERM is dumb."},
	{"BUILDKIT_HOST", "Address of the BuildKit daemon that buildctl builds with."},
	{"DOCKER_CONFIG, DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE", "Where logins of registries are, as docker and podman have it; XDG_CONFIG_HOME and XDG_RUNTIME_DIR are looked into too."},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "Proxies on the way to registries and forges."},
	{"GH_TOKEN, GITHUB_TOKEN, GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN, GH_HOST, GITHUB_API_URL, GITHUB_SERVER_URL, GH_CONFIG_DIR", "Token and host of GitHub for bulk, as gh reads them."},
	{"GITLAB_TOKEN, GITLAB_ACCESS_TOKEN, OAUTH_TOKEN, CI_JOB_TOKEN, GITLAB_HOST, GITLAB_URI, CI_SERVER_URL, GLAB_CONFIG_DIR", "Token and host of GitLab for bulk, as glab reads them."},
	{"GITEA_TOKEN, GITEA_SERVER_TOKEN, GITEA_URL, GITEA_SERVER_URL", "Token and host of Gitea for bulk, as tea reads them."},
	{"GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM, GIT_CONFIG_NOSYSTEM", "Where git's settings are, for bulk."},
	{"HOME, USERPROFILE, XDG_CONFIG_HOME, AppData, TMPDIR", "Where settings, logins and temporary files of a user lie, by system."},
}

var manFiles = []entry{
	{"Dockerfile, Dockerfile.*, *.Dockerfile, Containerfile, Containerfile.*", "What a search of a folder takes; templates, editors' leftovers and what .gitignore names are passed over."},
	{".drydock.yaml, .drydock.yml", "Configuration of the Dockerfiles in the folder and below; docs/config.md."},
	{".dockerignore", "Written where the context needs one, and read as the builder reads it."},
	{"compose, bake and CI files", "Read for the build context, targets, build arguments and names of stages that others use."},
	{"~/.docker/config.json, containers/auth.json", "Logins of registries."},
	{"~/.cache/drydock", "The cache; deleting it loses time only."},
}

// manExamples are held against the flags by a test.
var manExamples = []entry{
	{"drydock diff", "Show what fix would change below the current folder."},
	{"drydock fix --unsafe Dockerfile", "Make all changes, also those that rest on an assumption."},
	{"drydock review", "Decide change by change on the terminal, and write once at the end."},
	{"drydock diff --html review.html -q", "Make one page to review the changes by."},
	{"drydock fix --verify .", "Build and run before and after, and keep what is proven."},
	{"drydock check --skip healthcheck services/api/Dockerfile", "List findings, for CI."},
	{"drydock fix --only merge-run,clean-packages - <Dockerfile >Dockerfile.new", "Two transforms alone, from standard input to standard output."},
	{"drydock explain copy-order", "Tell what a transform does and when it declines."},
	{"drydock bulk --branch drydock --pr github:OWNER", "Open pull requests in the repositories of an owner."},
}
