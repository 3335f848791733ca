package transforms

import (
	"drydock/rewrite"
)

func clusterSigns(p *rewrite.Pass) (*rewrite.Instruction, string) { return nil, "" }

func mounted(p *rewrite.Pass, s *rewrite.Stage, given []folder) string { return "" }
