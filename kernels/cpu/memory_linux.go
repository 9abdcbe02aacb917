package cpu

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const largePage = 2 << 20

func alloc(bytes int) (*Memory, error) {
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
	m := &Memory{block[at : at+bytes : at+bytes], func() error { return unix.Munmap(block) }}
	touch(m.bytes)
	return m, nil
}
