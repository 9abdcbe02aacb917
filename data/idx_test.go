package data_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

// idx makes an IDX file of unsigned bytes that says it has the given dimensions.
func idx(values []byte, dimensions ...uint32) []byte {
	file := []byte{0, 0, 8, byte(len(dimensions))}
	for _, d := range dimensions {
		file = binary.BigEndian.AppendUint32(file, d)
	}
	return append(file, values...)
}

func zipped(t testing.TB, content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func counting(n int) []byte {
	values := make([]byte, n)
	for i := range values {
		values[i] = byte(i)
	}
	return values
}

func TestDecodeIDX(t *testing.T) {
	plain := idx(counting(24), 2, 3, 4)
	for _, file := range [][]byte{plain, zipped(t, plain)} {
		got, err := data.DecodeIDX(file)
		require.NoError(t, err)
		assert.Equal(t, &data.IDX{Shape: []int{2, 3, 4}, Values: counting(24)}, got)
	}
}

func TestDecodeIDXRefuses(t *testing.T) {
	sound := idx(counting(24), 2, 3, 4)
	damaged := zipped(t, sound)
	damaged[len(damaged)-6] ^= 1 // in the checksum
	for _, c := range []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"nothing", nil, data.ErrBroken, "unexpected EOF"},
		{"half a magic number", sound[:3], data.ErrBroken, "unexpected EOF"},
		{"half a dimension", sound[:10], data.ErrBroken, "unexpected EOF"},
		{"another format", []byte("PK\x03\x04 and so on"), data.ErrBroken, "starts with 50 4b"},
		{"a type that IDX lacks", []byte{0, 0, 7, 1, 0, 0, 0, 0}, data.ErrBroken, "0x07"},
		{"floats", []byte{0, 0, 0x0d, 1, 0, 0, 0, 0}, data.ErrUnsupported, "0x0d"},
		{"no dimensions", []byte{0, 0, 8, 0}, data.ErrUnsupported, "0 dimensions"},
		{"five dimensions", []byte{0, 0, 8, 5}, data.ErrUnsupported, "5 dimensions"},
		{"a value short", sound[:len(sound)-1], data.ErrBroken, "has 24 bytes, 23 follow"},
		{"a value too many", append(bytes.Clone(sound), 0), data.ErrBroken, "has 24 bytes, 25 follow"},
		{"terabytes", idx(nil, 1<<31, 1<<31, 1<<31), data.ErrBroken, "dimensions beyond"},
		{"gigabytes", idx(nil, 1<<31), data.ErrBroken, "0 follow"},
		{"a value short, compressed", zipped(t, sound[:len(sound)-1]), data.ErrBroken, "after 23: unexpected EOF"},
		{"a value too many, compressed", zipped(t, append(bytes.Clone(sound), 0)), data.ErrBroken, "more than the 24 bytes"},
		{"gigabytes, compressed", zipped(t, idx(nil, 1<<31)), data.ErrBroken, "cannot hold them"},
		{"gzip that ends early", zipped(t, sound)[:20], data.ErrBroken, "EOF"},
		{"gzip with another checksum", damaged, data.ErrBroken, "checksum"},
		{"gzip without a header", []byte{0x1f, 0x8b, 0}, data.ErrBroken, "gzip"},
	} {
		_, err := data.DecodeIDX(c.file)
		assert.ErrorIs(t, err, c.is, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

func TestOpenIDX(t *testing.T) {
	folder := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, content, 0o644))
		return path
	}
	images, labels := put("images.gz", zipped(t, idx(counting(12), 3, 2, 2))), put("labels", idx([]byte{0, 3, 1}, 3))
	ds, err := data.OpenIDX(images, labels)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2, 1}, ds.Shape())
	assert.Equal(t, 4, ds.Classes())
	x, y := read(t, ds, 1)
	assert.Equal(t, []int32{3}, y)
	assert.Equal(t, []float32{4. / 255, 5. / 255, 6. / 255, 7. / 255}, x)

	colours, err := data.OpenIDX(put("colours", idx(counting(12), 1, 2, 2, 3)), put("one", idx([]byte{0}, 1)))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2, 3}, colours.Shape())

	for _, c := range []struct{ images, labels, want string }{
		{images, put("two", idx([]byte{0, 1}, 2)), "3 images and 2 labels"},
		{labels, images, "wrong way round"},
		{images, images, "labels are of shape [3 2 2]"},
		{put("none", idx(nil, 0, 2, 2)), put("no labels", idx(nil, 0)), "no images"},
		{images, filepath.Join(folder, "missing"), "no such file"},
		{put("bad", []byte("hello")), labels, "bad)"},
	} {
		_, err := data.OpenIDX(c.images, c.labels)
		assert.ErrorContains(t, err, c.want)
	}
}

// FuzzDecodeIDX wants no panic, no memory beyond what a file can hold, and of what is accepted that it agrees with itself.
func FuzzDecodeIDX(f *testing.F) {
	sound := idx(counting(24), 2, 3, 4)
	f.Add(sound)
	f.Add(zipped(f, sound))
	f.Add(zipped(f, idx(make([]byte, 1000), 1000)))
	f.Add(idx(nil, 1<<31, 1<<31))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := data.DecodeIDX(file)
		if err != nil {
			return
		}
		size := 1
		for _, d := range got.Shape {
			size *= d
		}
		require.Len(t, got.Values, size)
		require.LessOrEqual(t, size, 1032*len(file))
		sides := make([]uint32, len(got.Shape))
		for i, d := range got.Shape {
			sides[i] = uint32(d)
		}
		again, err := data.DecodeIDX(idx(got.Values, sides...))
		require.NoError(t, err)
		require.Equal(t, got.Shape, again.Shape)
		require.True(t, bytes.Equal(got.Values, again.Values))
	})
}
