package hdf5

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allocated is what run allocates, in bytes.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// checkRead reads b, which may be anything, and holds the outcome against what
// Read promises: a tree that can be written again, or an error of one of the two
// types, and allocations bounded by the file's size.
func checkRead(t testing.TB, b []byte, compressed bool) {
	var root *Group
	var err error
	spent := allocated(func() { root, err = Read(bytes.NewReader(b), int64(len(b))) })
	if !compressed {
		require.LessOrEqual(t, spent, uint64(4*len(b)+1<<18), "allocated")
	}
	if err != nil {
		var format FormatError
		var feature UnsupportedError
		require.True(t, errors.As(err, &format) || errors.As(err, &feature), "%T %v", err, err)
		return
	}
	require.NotNil(t, root)
	require.NoError(t, root.Walk(func(path string, d *Dataset) error {
		require.NoError(t, d.check(), path)
		return nil
	}))
}

func mutate(r *rand.Rand, src []byte) []byte {
	b := bytes.Clone(src)
	at := r.IntN(len(b))
	switch r.IntN(5) {
	case 0: // cut short
		return b[:at]
	case 1: // one bit
		b[at] ^= 1 << r.IntN(8)
	case 2: // a number becomes huge
		copy(b[at&^7:], [][]byte{
			bytes.Repeat([]byte{0xff}, 8), {0xff, 0xff, 0xff, 0x7f}, {0, 0, 0, 0, 1}, make([]byte, 8),
		}[r.IntN(4)])
	case 3: // an address becomes another one
		le.PutUint32(b[min(at&^7, len(b)-8):], uint32(r.IntN(len(b))))
	case 4: // a piece is repeated elsewhere
		n := min(r.IntN(600), len(b)-at)
		copy(b[r.IntN(len(b)):], src[at:at+n])
	}
	return b
}

func TestMutations(t *testing.T) {
	for _, name := range []string{"types.h5", "filters.h5", "latest.h5", "deep.h5", "tracked.h5", "links.h5"} {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join("testdata", name))
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(1, 2))
			for range 1000 {
				checkRead(t, mutate(r, src), name == "filters.h5" || name == "latest.h5")
			}
		})
	}
}

// Every prefix of a file is an error, and so is one with a block of zeros.
func TestTruncated(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Write(&out, manyLinks(t, 20)))
	for n := range out.Len() {
		_, err := Parse(out.Bytes()[:n])
		var format FormatError
		require.ErrorAs(t, err, &format, "%d bytes", n)
	}
	_, err := Read(bytes.NewReader(out.Bytes()[:100]), int64(out.Len()))
	assert.Error(t, err)
	_, err = Read(failing{}, 100)
	assert.ErrorContains(t, err, "no disk")
	_, err = Read(bytes.NewReader(nil), 0)
	assert.ErrorContains(t, err, "0 bytes are too few")
	_, err = ReadFile(filepath.Join(t.TempDir(), "none.h5"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = Parse(bytes.Repeat([]byte("x"), 3000))
	assert.ErrorContains(t, err, "no HDF5 signature")
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("no disk") }

// A link that leads back to its own group is found, not followed.
func TestCycle(t *testing.T) {
	var root Group
	_, err := root.Make("a/b")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, Write(&out, &root))
	b := out.Bytes()
	header := le.Uint64(b[64:]) // of the root
	node := bytes.LastIndex(b, []byte("SNOD"))
	le.PutUint64(b[node+16:], header)
	_, err = Parse(b)
	assert.ErrorContains(t, err, "two hard links")

	// A B-tree node that is its own child.
	out.Reset()
	require.NoError(t, Write(&out, manyLinks(t, 400)))
	b = out.Bytes()
	tree := le.Uint64(b[80:])
	require.NotZero(t, b[tree+5], "the root's tree has several levels")
	le.PutUint64(b[tree+32:], tree)
	_, err = Parse(b)
	assert.ErrorContains(t, err, "is used twice")
}

// Every change of one byte in what carries checksums is found.
func TestChecksumsOfNewerFiles(t *testing.T) {
	src, err := os.ReadFile("testdata/deep.h5")
	require.NoError(t, err)
	for _, mark := range []string{"BTHD", "BTIN", "BTLF", "FRHP", "FHIB", "FHDB", "OHDR", signature} {
		at := bytes.Index(src, []byte(mark))
		require.GreaterOrEqual(t, at, 0, mark)
		for _, offset := range []int{0, 5, 20, 30} {
			b := bytes.Clone(src)
			b[at+offset] ^= 4
			_, err := Parse(b)
			assert.Error(t, err, "%s+%d", mark, offset)
		}
	}
}

// Fletcher-32 and deflate's own sum guard chunked data.
func TestChecksumsOfChunks(t *testing.T) {
	src, err := os.ReadFile("testdata/filters.h5")
	require.NoError(t, err)
	root, err := Parse(src)
	require.NoError(t, err)
	odd := root.Dataset("odd").Data
	at := bytes.Index(src, odd)
	require.Greater(t, at, 0)
	b := bytes.Clone(src)
	b[at] ^= 1
	_, err = Parse(b)
	assert.ErrorContains(t, err, "/odd: wrong checksum of a chunk")
}

func TestFletcher32(t *testing.T) {
	// The usual test vectors take words little-endian (0xF04FC729); HDF5 takes them big-endian.
	assert.Equal(t, uint32(0x4FF029C7), fletcher32([]byte("abcde")))
}

func TestLookup3(t *testing.T) {
	// Source: the self-test of lookup3.c (driver5).
	assert.Equal(t, uint32(0xdeadbeef), lookup3(nil))
	assert.Equal(t, uint32(0x17770551), lookup3([]byte("Four score and seven years ago")))
}

// Two levels of groups, nested too deep, are refused rather than recursed into.
func TestDeepNesting(t *testing.T) {
	var root Group
	here := &root
	for range maxDepth + 1 {
		var err error
		here, err = here.Make("g")
		require.NoError(t, err)
	}
	var out bytes.Buffer
	require.NoError(t, Write(&out, &root))
	_, err := Parse(out.Bytes())
	assert.ErrorContains(t, err, "nested more than 256 deep")
}

// A writer that fails at any byte makes Write fail.
func TestWriteFails(t *testing.T) {
	root := manyLinks(t, 3)
	require.NoError(t, root.Put("odd", &Dataset{Value: Bytes([]byte{1, 2, 3})}))
	var whole bytes.Buffer
	require.NoError(t, Write(&whole, root))
	for n := range whole.Len() {
		require.ErrorIs(t, Write(&limited{n}, root), io.ErrShortWrite, "%d", n)
	}
}

type limited struct{ left int }

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.left {
		return l.left, io.ErrShortWrite
	}
	l.left -= len(b)
	return len(b), nil
}

func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*.h5", "testdata/refused/*.h5"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, path := range files {
			b, err := os.ReadFile(path)
			require.NoError(f, err)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := Parse(b)
		if err != nil {
			return
		}
		// What reads must write and read back to the same bytes.
		var first, second bytes.Buffer
		if Write(&first, root) != nil {
			return // a limit of the older format, such as 64 KiB an attribute
		}
		again, err := Parse(first.Bytes())
		require.NoError(t, err)
		require.NoError(t, Write(&second, again))
		require.True(t, bytes.Equal(first.Bytes(), second.Bytes()))
	})
}
