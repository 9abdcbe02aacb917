package cpu

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

func TestMemoryThatAGroupLeaves(t *testing.T) {
	const unlimited = "9223372036854771712\n" // what version 1 says
	for name, c := range map[string]struct {
		files map[string]string
		free  int
		ok    bool
	}{
		"none":     {map[string]string{}, 0, false},
		"no limit": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"}, 0, false},
		"version 2, files are not counted": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "700\n",
			"sys/fs/cgroup/memory.stat": "anon 400\nfile 300\ninactive_file 100\nactive_file 150\n",
		}, 550, true},
		"the group above has less": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.current": "100\n",
			"sys/fs/cgroup/a/memory.max": "900\n", "sys/fs/cgroup/a/memory.current": "800\n",
		}, 100, true},
		"more than the limit": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "10\n", "sys/fs/cgroup/memory.current": "12\n"}, 0, true},
		"version 1, path of the host": {map[string]string{
			"proc/self/cgroup":                             "9:name=systemd:/\n4:cpu,memory:/docker/ad0f\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "1000\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":   "600\n",
			"sys/fs/cgroup/memory/memory.stat":             "active_file 1\ntotal_active_file 200\ntotal_inactive_file 0\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1\n",
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "1\n",
		}, 600, true},
		"version 1, no limit": {map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited, "sys/fs/cgroup/memory/memory.usage_in_bytes": "12\n",
		}, 9223372036854771700, true},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		free, ok := groupFree(root)
		assert.Equal(t, c.ok, ok, name)
		assert.Equal(t, c.free, free, name)
	}
	kib, ok := field(fstest.MapFS{"m": {Data: []byte("MemFree:  1 kB\nMemAvailable:    22 kB\n")}}, "m", "MemAvailable:")
	assert.True(t, ok)
	assert.Equal(t, 22<<10, kib)
}
