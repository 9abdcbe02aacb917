package hdf5

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary play the writer that gets killed or runs out of
// disk: see TestKill and TestFullDisk.
func TestMain(m *testing.M) {
	if path := os.Getenv("HDF5_TEST_WRITE"); path != "" {
		writeForever(path)
	}
	if path := os.Getenv("HDF5_TEST_FULL"); path != "" {
		writeToFullDisk(path)
	}
	os.Exit(m.Run())
}

// padding makes files large enough for a kill to come in the middle.
var padding = make([]byte, 4<<20)

// version is a file of about 4 MB that says k at its beginning and at its end.
func version(k int64) *Group {
	root := &Group{}
	for name, v := range map[string]Value{"a": Int64Values([]int64{k}, 1), "padding": Bytes(padding), "z": Int64Values([]int64{k}, 1)} {
		if err := root.Put(name, &Dataset{Value: v}); err != nil {
			panic(err)
		}
	}
	return root
}

// versionOf reads which version the file at path is.
func versionOf(t *testing.T, path string) int64 {
	root, err := ReadFile(path)
	require.NoError(t, err)
	first, err := root.Dataset("a").Int64s()
	require.NoError(t, err)
	last, err := root.Dataset("z").Int64s()
	require.NoError(t, err)
	require.Equal(t, first, last)
	return first[0]
}

// writeForever replaces path by version 1, 2, 3 … and says each when it is done.
func writeForever(path string) {
	for k := int64(1); ; k++ {
		if err := WriteFile(path, version(k)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(k)
	}
}

// kill -9 at any moment leaves the newest complete file, and at most temporary
// files, which RemoveStale removes.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "best.h5")
	r := rand.New(rand.NewPCG(3, 4))
	temporaries := 0
	for range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "HDF5_TEST_WRITE="+path)
		said, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		var done int64
		_, err = fmt.Fscan(said, &done) // the first file is there, the second in the making
		require.NoError(t, err)
		time.Sleep(time.Duration(r.IntN(30_000)) * time.Microsecond)
		require.NoError(t, child.Process.Kill())
		for {
			if _, err := fmt.Fscan(said, &done); err != nil {
				break
			}
		}
		assert.Error(t, child.Wait())
		require.GreaterOrEqual(t, versionOf(t, path), done, "the newest complete version")
		removed, err := RemoveStale(path)
		require.NoError(t, err)
		temporaries += len(removed)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.NoError(t, os.Remove(path))
	}
	assert.Positive(t, temporaries, "some kills came in the middle of a write")
}

// A failing write leaves what was there, and nothing else.
func TestFailureKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.h5")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o640))
	err := ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 3<<20))
		require.NoError(t, err)
		return io.ErrUnexpectedEOF
	})
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, path)
	onlyOld(t, path)

	var bad Group
	bad.Attrs.Set("a", Value{Type: Float32, Shape: []int{3}})
	assert.ErrorContains(t, WriteFile(path, &bad), `attribute "a"`)
	onlyOld(t, path)

	assert.Error(t, WriteFile(filepath.Join(dir, "missing", "a.h5"), &Group{}))
	assert.ErrorContains(t, WriteFile(dir, &Group{}), "not a regular file")

	require.NoError(t, WriteFile(path, &Group{}))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, 0o640, info.Mode().Perm(), "permissions are kept")
}

func onlyOld(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(b))
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, files, 1)
}

func TestFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "real.h5")
	require.NoError(t, WriteFile(path, &Group{}))
	alias := filepath.Join(dir, "alias.h5")
	require.NoError(t, os.Symlink("real.h5", alias))
	require.NoError(t, WriteFile(alias, version(5)))
	assert.EqualValues(t, 5, versionOf(t, path))
	info, err := os.Lstat(alias)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
}

// Only leftovers go: not the file of a writer at work, and not other files.
func TestRemoveStale(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.h5")
	stale := filepath.Join(dir, ".a.h5.h5tmp-0123abcd")
	others := []string{".a.h5.h5tmp-0123", ".a.h5.h5tmp-0123abcx", ".b.h5.h5tmp-0123abcd", "a.h5.h5tmp-0123abcd"}
	for _, name := range others {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, ReplaceFile(path, func(io.Writer) error {
		require.NoError(t, os.WriteFile(stale, nil, 0o600))
		removed, err := RemoveStale(path)
		assert.Equal(t, []string{stale}, removed, "the one in the making stays")
		return err
	}))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, len(others)+1)
	removed, err := RemoveStale(filepath.Join(dir, "missing", "a.h5"))
	assert.NoError(t, err)
	assert.Empty(t, removed)
	_, err = RemoveStale(filepath.Join(path, "x"))
	assert.Error(t, err)
	removed, err = RemoveStale(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, ".b.h5.h5tmp-0123abcd")}, removed)
}
