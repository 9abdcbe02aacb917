package cpu

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const largePage = 2 << 20

// alloc maps memory. The system would promise more than it has and end the process when the pages are touched, so what
// there is is asked for first.
func alloc(bytes int) (*Memory, error) {
	if free, ok := available(); ok && bytes > free {
		return nil, fmt.Errorf("cpu: %d bytes of memory are wanted, %d are there", bytes, free)
	}
	size := bytes
	if bytes >= largePage { // room to begin at a large page
		size += largePage
	}
	block, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("cpu: %d bytes of memory: %w", bytes, err)
	}
	at := 0
	if bytes >= largePage {
		at = -addressOf(block) & (largePage - 1)
		// Large pages are a matter of speed: a kernel without them refuses, and the block is as good.
		_ = unix.Madvise(block[at:at+bytes&^(largePage-1)], unix.MADV_HUGEPAGE)
	}
	return &Memory{block[at : at+bytes : at+bytes], func() error { return unix.Munmap(block) }}, nil
}

// available is how much memory can be had without swapping: MemAvailable of /proc/meminfo (proc(5)).
func available() (bytes int, ok bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "MemAvailable:"); found {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kib << 10, err == nil
		}
	}
	return 0, false
}
