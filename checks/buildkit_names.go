package checks

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
)

// buildError is the rule of what BuildKit would refuse to build; it is ours.
const buildError = "BuildError"

// BuildKitRules are the names of the rules behind "buildkit/", sorted: those of BuildKit's
// linter package, which has no list of them, and BuildError.
func BuildKitRules() []string {
	out := []string{buildError}
	for _, r := range []linter.LinterRuleI{
		&linter.RuleStageNameCasing, &linter.RuleFromAsCasing, &linter.RuleNoEmptyContinuation, &linter.RuleConsistentInstructionCasing,
		&linter.RuleDuplicateStageName, &linter.RuleReservedStageName, &linter.RuleJSONArgsRecommended, &linter.RuleMaintainerDeprecated,
		&linter.RuleUndefinedArgInFrom, &linter.RuleWorkdirRelativePath, &linter.RuleUndefinedVar, &linter.RuleMultipleInstructionsDisallowed,
		&linter.RuleLegacyKeyValueFormat, &linter.RuleInvalidBaseImagePlatform, &linter.RuleRedundantTargetPlatform, &linter.RuleSecretsUsedInArgOrEnv,
		&linter.RuleInvalidDefaultArgInFrom, &linter.RuleFromPlatformFlagConstDisallowed, &linter.RuleCopyIgnoredFile,
		&linter.RuleInvalidDefinitionDescription, &linter.RuleExposeProtoCasing, &linter.RuleExposeInvalidFormat,
	} {
		out = append(out, r.RuleName())
	}
	slices.Sort(out)
	return out
}
