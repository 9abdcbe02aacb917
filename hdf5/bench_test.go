package hdf5

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// large is a file of 64 MiB in four datasets.
func large(b *testing.B) *Group {
	root := &Group{}
	for _, name := range []string{"a", "b", "c", "d"} {
		x := make([]float32, 1<<22)
		require.NoError(b, root.Put(name, &Dataset{Value: Float32Values(x, len(x))}))
	}
	return root
}

func BenchmarkWriteFile(b *testing.B) {
	root, path := large(b), filepath.Join(b.TempDir(), "a.h5")
	b.SetBytes(64 << 20)
	for b.Loop() {
		require.NoError(b, WriteFile(path, root))
	}
}

func BenchmarkReadFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.h5")
	require.NoError(b, WriteFile(path, large(b)))
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		_, err := ReadFile(path)
		require.NoError(b, err)
	}
}
