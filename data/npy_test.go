package data_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
)

// npy makes a .npy file, version 1, of a header written by hand.
func npy(header string, content []byte) []byte {
	file := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(file, header...), content...)
}

func readNPY(file []byte) (*tensor.Dense, error) {
	return data.ReadNPY(bytes.NewReader(file), int64(len(file)))
}

var arrays = []any{
	[]float32{0, -1.5, float32(math.Inf(1)), 1e-45, 3, 4}, []float64{0, 1, 2, math.Pi, 4, 5}, []uint8{0, 1, 2, 3, 4, 255},
	[]int32{math.MinInt32, 1, 2, 3, 4, 5}, []int64{math.MinInt64, 1, 2, 3, 4, 5},
}

func TestNPYRoundTrip(t *testing.T) {
	for _, backing := range arrays {
		for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 3, 1}} {
			want := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
			var b bytes.Buffer
			require.NoError(t, data.WriteNPY(&b, want))
			assert.Zero(t, bytes.IndexByte(b.Bytes(), '\n')%64-63, "elements are aligned to 64 bytes")
			got, err := readNPY(b.Bytes())
			require.NoError(t, err)
			assert.Equal(t, want.Shape(), got.Shape())
			assert.Equal(t, want.Data(), got.Data())
		}
	}
}

// TestNPYAgreesWithNpyio reads what another implementation wrote, and lets it read what we wrote.
func TestNPYAgreesWithNpyio(t *testing.T) {
	want := []float32{1, 2, 3, 4, 5, 6}
	var theirs, ours bytes.Buffer
	require.NoError(t, npyio.Write(&theirs, want))
	got, err := readNPY(theirs.Bytes())
	require.NoError(t, err)
	assert.Equal(t, want, got.Data())

	require.NoError(t, data.WriteNPY(&ours, tensor.New(tensor.WithShape(2, 3), tensor.WithBacking(want))))
	r, err := npyio.NewReader(&ours)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3}, r.Header.Descr.Shape)
	var back []float32
	require.NoError(t, r.Read(&back))
	assert.Equal(t, want, back)
}

// TestNPYOfNumPy reads what NumPy wrote (testdata/make_npy.py, which holds the versions).
func TestNPYOfNumPy(t *testing.T) {
	for _, c := range []struct {
		file  string
		shape tensor.Shape
		want  any
	}{
		{"f4.npy", tensor.Shape{2, 3}, []float32{0, 0.5, 1, 1.5, 2, 2.5}},
		{"f8.npy", tensor.Shape{3}, []float64{0, 0.1, 0.2}},
		{"u1.npy", tensor.Shape{1, 2, 2, 1}, []uint8{0, 127, 128, 255}},
		{"i8_version2.npy", tensor.Shape{2}, []int64{-1, 1 << 40}},
	} {
		got, err := data.LoadNPY(filepath.Join("testdata", c.file))
		require.NoError(t, err)
		assert.Equal(t, c.shape, got.Shape(), c.file)
		assert.Equal(t, c.want, got.Data(), c.file)
	}
	for _, name := range []string{"stored.npz", "compressed.npz"} {
		got, err := data.LoadNPZ(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Len(t, got, 2)
		assert.Equal(t, []uint8{0, 127, 128, 255}, got["x"].Data())
		assert.Equal(t, []int32{7}, got["y"].Data())
	}
	for name, want := range map[string]string{"fortran.npy": "ascontiguousarray", "f2.npy": `"<f2"`, "big_endian.npy": `">f4"`,
		"scalar.npy": "single number", "record.npy": "one number each", "empty.npy": "empty array"} {
		_, err := data.LoadNPY(filepath.Join("testdata", name))
		assert.ErrorIs(t, err, data.ErrUnsupported, name)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, name)
	}
}

func TestNPYRefuses(t *testing.T) {
	sound := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
	file := npy(sound, make([]byte, 24))
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "unexpected EOF"},
		{"another format", []byte("\x89HDF\r\n\x1a\n and so on"), "starts with"},
		{"a header cut off", file[:20], "a header of"},
		{"an element short", file[:len(file)-1], "has 24"},
		{"a byte too many", append(bytes.Clone(file), 0), "has 24"},
		{"a shape that lies", npy(strings.Replace(sound, "2, 3", "2000000000, 2000000000, 2000000000", 1), make([]byte, 24)), "has more"},
		{"a negative side", npy(strings.Replace(sound, "2, 3", "2, -3", 1), make([]byte, 24)), "shape (2, -3)"},
		{"no dictionary", npy("[1, 2]", nil), "no dictionary"},
		{"no type", npy("{'fortran_order': False, 'shape': (2, 3), }", nil), `no "descr"`},
		{"a list for a shape", npy(strings.Replace(sound, "(2, 3)", "[2, 3]", 1), make([]byte, 24)), "no tuple"},
		{"an order that is neither", npy(strings.Replace(sound, "False", "Maybe", 1), make([]byte, 24)), "Maybe"},
		{"a quote that never ends", npy("{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3), }", nil), "cannot read"},
		{"a key twice", npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", nil), "cannot read"},
	} {
		_, err := readNPY(c.file)
		assert.ErrorIs(t, err, data.ErrBroken, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
	_, err := readNPY([]byte("\x93NUMPY\x09\x00\x00\x00\x00\x00"))
	assert.ErrorIs(t, err, data.ErrUnsupported)
	_, err = data.ReadNPY(bytes.NewReader(file[:40]), int64(len(file)))
	assert.ErrorIs(t, err, data.ErrBroken, "a reader that ends before the size it was said to have")
	_, err = data.LoadNPY(filepath.Join(t.TempDir(), "missing.npy"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestNPZRefuses(t *testing.T) {
	folder := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, content, 0o644))
		return path
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for range 2 {
		w, err := z.Create("x.npy")
		require.NoError(t, err)
		_, err = w.Write(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", make([]byte, 4)))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	_, err := data.LoadNPZ(put("twice.npz", b.Bytes()))
	assert.ErrorContains(t, err, `two arrays named "x"`)
	_, err = data.LoadNPZ(put("text.npz", []byte("hello")))
	assert.ErrorIs(t, err, data.ErrBroken)
	_, err = data.LoadNPZ(filepath.Join(folder, "missing.npz"))
	assert.ErrorIs(t, err, os.ErrNotExist)

	stored, err := os.ReadFile(filepath.Join("testdata", "stored.npz"))
	require.NoError(t, err)
	_, err = data.LoadNPZ(put("cut.npz", stored[:len(stored)/2]))
	assert.ErrorIs(t, err, data.ErrBroken)
	at := bytes.Index(stored, []byte{0, 127, 128, 255})
	require.Positive(t, at)
	stored[at]++
	_, err = data.LoadNPZ(put("changed.npz", stored))
	assert.ErrorContains(t, err, "checksum")
	assert.ErrorIs(t, err, data.ErrBroken)
}

func TestSaveNPYKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "y.npy")
	old := tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{1, 2}))
	require.NoError(t, data.SaveNPY(path, old))
	view, err := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking(make([]float32, 4))).Slice(nil, tensor.S(0))
	require.NoError(t, err)
	assert.ErrorIs(t, data.SaveNPY(path, view.(*tensor.Dense)), data.ErrUnsupported)
	got, err := data.LoadNPY(path)
	require.NoError(t, err)
	assert.Equal(t, old.Data(), got.Data())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing temporary stays")
	assert.ErrorContains(t, data.SaveNPY(filepath.Join(path, "no folder"), old), "not a directory")
}

// FuzzReadNPY wants no panic and no memory beyond the file's size, and that what is accepted comes back when written.
func FuzzReadNPY(f *testing.F) {
	for _, kind := range []string{"<f4", "<f8", "|u1", "<i4", "<i8", ">f4"} {
		f.Add(npy(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (2, 1), }\n", kind), binary.LittleEndian.AppendUint64(nil, 77)))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := readNPY(file)
		if err != nil {
			return
		}
		require.LessOrEqual(t, got.MemSize(), uintptr(len(file)))
		var b bytes.Buffer
		require.NoError(t, data.WriteNPY(&b, got))
		again, err := readNPY(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, got.Shape(), again.Shape())
		var c bytes.Buffer
		require.NoError(t, data.WriteNPY(&c, again))
		require.Equal(t, b.Bytes(), c.Bytes(), "compared as bytes, for NaN")
	})
}
