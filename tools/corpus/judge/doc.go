// Package judge says what a Dockerfile is to BuildKit, and what two Dockerfiles
// do differently. It shares no code with drydock's own gates on purpose: a judge
// that reuses the defendant's reading of the file would repeat its mistakes.
//
// Evaluate runs dockerfile2llb, BuildKit's own translation, with every base image
// resolved to an empty config, and reads the answer from the resulting LLB graph:
// image config, commands with the state each of them runs in, copies and bases.
// Compare lists the differences; Undeclared leaves those nobody announced.
package judge
