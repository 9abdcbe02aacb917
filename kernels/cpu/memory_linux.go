package cpu

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta/internal/memory"
	"golang.org/x/sys/unix"
)

const largePage = 2 << 20

// alloc maps memory. The system would promise more than it has and end the process when the pages are touched, so what
// there is is asked for first.
func alloc(bytes int) (*Memory, error) {
	if free, ok := available(); ok && bytes > free {
		return nil, fmt.Errorf("cpu: %s of memory are wanted, %s are free", memory.Size(bytes), memory.Size(free))
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

// available is how much memory can be had without swapping: MemAvailable of /proc/meminfo (proc(5)), or less where a control group, a container's say, has
// a limit.
func available() (bytes int, ok bool) {
	bytes, ok = field(os.DirFS("/"), "proc/meminfo", "MemAvailable:")
	if limit, limited := groupFree(os.DirFS("/")); limited && (!ok || limit < bytes) {
		return limit, true
	}
	return bytes, ok
}

// group is where a version of control groups has its files, and what it calls them: the limit, what is used, and how much of that holds files, which go when
// memory is short (the kernel's admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
type group struct{ controller, folder, limit, used, active, inactive string }

var groups = []group{
	{"", "sys/fs/cgroup", "memory.max", "memory.current", "active_file", "inactive_file"},
	{"memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file", "total_inactive_file"},
}

// groupFree is what the limits of this process's control group, and of those above it, leave; ok is false where there are none.
func groupFree(root fs.FS) (free int, ok bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup") // lines of number:controllers:path
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		i := slices.IndexFunc(groups, func(g group) bool {
			return len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), g.controller)
		})
		if i < 0 {
			continue
		}
		g := groups[i]
		// A container may see its own group as the root, and yet its path on the host: the files of the groups above are looked for too.
		for at := path.Clean(parts[2]); ; at = path.Dir(at) {
			folder := path.Join(g.folder, at)
			limit, limited := field(root, path.Join(folder, g.limit), "")
			used, known := field(root, path.Join(folder, g.used), "")
			if limited && known {
				stat := path.Join(folder, "memory.stat")
				active, _ := field(root, stat, g.active+" ")
				inactive, _ := field(root, stat, g.inactive+" ")
				if left := max(0, limit-used+active+inactive); !ok || left < free {
					free, ok = left, true
				}
			}
			if at == "/" || at == "." {
				break
			}
		}
	}
	return free, ok
}

// field is the number behind a word at the beginning of a line of a file: bytes, or kB where it says so.
func field(root fs.FS, file, word string) (bytes int, ok bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, word); found {
			rest, kib := strings.CutSuffix(strings.TrimSpace(rest), " kB")
			n, err := strconv.Atoi(rest)
			if kib {
				n <<= 10
			}
			return n, err == nil
		}
	}
	return 0, false
}
