package main

import "strings"

// remedy is drydock's answer to a rule of hadolint: the transform that takes it on,
// or a note why none does. "no" is a rule without a mechanical answer, "open" is
// one that has an answer but no transform yet.
type remedy struct{ transform, note string }

const (
	pins = "no: pinned versions vanish from the archives within weeks"
	lock = "no: a lock file pins, not the Dockerfile"
	fits = "no: hadolint looks only with a label schema in its config"
	dead = "no: the build fails or means something else; only the author knows"
)

// remedies by rule, https://github.com/hadolint/hadolint#rules. One line to edit
// when a transform comes.
var remedies = map[string]remedy{
	unreadable: {"", "no: hadolint's parser doesn't read what BuildKit's reads"},
	"DL3000":   {"absolute-workdir", ""},
	"DL3001":   {"", "no: why ssh or vim is there is the author's"},
	"DL3002":   {"add-user", ""},
	"DL3003":   {"workdir-not-cd", ""},
	"DL3004":   {"no-sudo", ""},
	"DL3005":   {"", "finding dist-upgrade"},
	"DL3006":   {"pin-base", ""},
	"DL3007":   {"pin-base", ""},
	"DL3008":   {"", pins},
	"DL3009":   {"clean-packages", ""},
	"DL3010":   {"", "open: COPY and tar as one ADD"},
	"DL3011":   {"", dead},
	"DL3012":   {"", "open: only the last HEALTHCHECK counts"},
	"DL3013":   {"", lock},
	"DL3014":   {"clean-packages", "-y"},
	"DL3015":   {"no-recommends", ""},
	"DL3016":   {"", lock},
	"DL3018":   {"", pins},
	"DL3019":   {"clean-packages", "apk --no-cache"},
	"DL3020":   {"copy-not-add", ""},
	"DL3021":   {"", dead},
	"DL3022":   {"", "no: an image may be meant"},
	"DL3023":   {"", dead},
	"DL3024":   {"", dead},
	"DL3025":   {"exec-form", ""},
	"DL3026":   {"", "no: hadolint looks only with a list of registries in its config"},
	"DL3027":   {"clean-packages", "apt to apt-get"},
	"DL3028":   {"", lock},
	"DL3029":   {"", "no: a platform may be meant"},
	"DL3030":   {"", "open: yum -y"},
	"DL3032":   {"clean-packages", "yum clean all"},
	"DL3033":   {"", pins},
	"DL3034":   {"", "open: zypper -n"},
	"DL3035":   {"", "finding dist-upgrade"},
	"DL3036":   {"clean-packages", "zypper clean"},
	"DL3037":   {"", pins},
	"DL3038":   {"", "open: dnf -y"},
	"DL3040":   {"clean-packages", "dnf clean all"},
	"DL3041":   {"", pins},
	"DL3042":   {"clean-packages", "pip --no-cache-dir"},
	"DL3043":   {"", dead},
	"DL3044":   {"", dead},
	"DL3045":   {"", "open: WORKDIR / says what happens"},
	"DL3046":   {"", "open: useradd -l"},
	"DL3047":   {"", "open: wget --progress=dot:giga; logs only, not the image"},
	"DL3048":   {"", "no: who reads the label knows only its key"},
	"DL3049":   {"", fits},
	"DL3050":   {"", fits},
	"DL3051":   {"", fits},
	"DL3052":   {"", fits},
	"DL3053":   {"", fits},
	"DL3054":   {"", fits},
	"DL3055":   {"", fits},
	"DL3056":   {"", fits},
	"DL3057":   {"", "no: what is healthy only the program knows"},
	"DL3058":   {"", fits},
	"DL3059":   {"merge-run", ""},
	"DL3060":   {"clean-packages", "yarn cache clean"},
	"DL3061":   {"", dead},
	"DL3062":   {"", lock},
	"DL3063":   {"add-user", ""},
	"DL3064":   {"", "no: a secret mount changes the build's command line too"},
	"DL3065":   {"", "open: --platform=$TARGETPLATFORM is the default"},
	"DL3066":   {"", "open: the number of a user that the file itself makes"},
	"DL3067":   {"", "no: a squash by COPY / / is deliberate"},
	"DL4000":   {"label-not-maintainer", ""},
	"DL4001":   {"", "no: which of wget and curl stays is a choice"},
	"DL4003":   {"one-cmd", ""},
	"DL4004":   {"one-cmd", ""},
	"DL4005":   {"", "open: SHELL in place of ln /bin/sh"},
	"DL4006":   {"pipefail", ""},
}

func remedyOf(code string) remedy {
	if r, ok := remedies[code]; ok {
		return r
	}
	if strings.HasPrefix(code, "SC") {
		return remedy{"", "no: shellcheck"}
	}
	return remedy{"", "?"}
}

// cell is the table's text. has is what the engine has: name -> runs unasked.
func (r remedy) cell(has map[string]bool) string {
	if r.transform == "" {
		return r.note
	}
	var notes []string
	if unasked, ok := has[r.transform]; !ok {
		notes = append(notes, "to come")
	} else if !unasked {
		notes = append(notes, "when asked for")
	}
	if r.note != "" {
		notes = append(notes, r.note)
	}
	if len(notes) == 0 {
		return r.transform
	}
	return r.transform + " (" + strings.Join(notes, "; ") + ")"
}
