//go:build !linux

package main

import (
	"runtime"
	"time"
)

// sinceProcessStart is the time since the program's first statement.
func sinceProcessStart() time.Duration { return time.Since(programStart) }

// peakRSS is the memory that Go has from the system; what kernels map beside it is not in it.
func peakRSS() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
