// Package kernels offers devices to the planner: for each operator of package ops, the kernel that computes it.
//
// The arithmetic lives in the folders beside it, one for each family of operations: parameters and checks, the reference that
// defines it, and tuned code for each device. None of them knows layers or programs.
package kernels

//go:generate go -C _asm run .
//go:generate _cuda/generate.sh
