//go:build !nvidia || !cgo

package kernels

import "github.com/meseta-go/meseta/gpu"

func openGPU(n int) (Device, error) { return nil, noGPU(n) }

// CodeFor says nothing in a program that has no kernels for GPUs.
func CodeFor(gpu.Info) string { return "" }
