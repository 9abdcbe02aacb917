package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// sinceProcessStart is the time since the system started this process, to 10 ms: field 22 of /proc/self/stat, in ticks since boot
// (proc(5)); a tick is 10 ms on every architecture that Go runs on.
func sinceProcessStart() time.Duration {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return time.Since(programStart)
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Since(programStart)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	ticks, err := strconv.ParseFloat(string(fields[19]), 64)
	if err != nil {
		return time.Since(programStart)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		return time.Since(programStart)
	}
	return time.Duration((up - ticks/100) * float64(time.Second))
}

// peakRSS is the most memory that this process has had, in bytes (VmHWM of /proc/self/status).
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
