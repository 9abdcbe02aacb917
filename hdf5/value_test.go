package hdf5

import (
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func numbers(t *testing.T) *Group {
	root, err := ReadFile("testdata/types.h5")
	require.NoError(t, err)
	return root
}

func TestNumbersConvert(t *testing.T) {
	root := numbers(t)
	inf := float32(math.Inf(1))
	half, err := root.Dataset("numbers/float16").Float32s()
	require.NoError(t, err)
	// The smallest normal and subnormal numbers of binary16 are 2^-14 and 2^-24.
	assert.Equal(t, []float32{0, 0, 1.5, -2.25, 65504, 1.0 / (1 << 14), 1.0 / (1 << 24), inf, -inf}, half)
	assert.True(t, math.Signbit(float64(half[1])), "-0 keeps its sign")

	single, err := root.Dataset("numbers/float32").Float64s()
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 0, 1.5, -2.25, math.MaxFloat32, 0x1p-126, 0x1p-149, math.Inf(1), math.Inf(-1)}, single)

	double, err := root.Dataset("numbers/float64").Float64s()
	require.NoError(t, err)
	assert.Equal(t, math.MaxFloat64, double[4])
	_, err = root.Dataset("numbers/float64").Float32s()
	assert.ErrorContains(t, err, "beyond float32's range")
	v := Float64Values([]float64{1.5, math.Inf(1), 0.1}, 3)
	narrow, err := v.Float32s()
	require.NoError(t, err)
	assert.Equal(t, []float32{1.5, inf, 0.1}, narrow, "float64 is rounded")

	brain, err := root.Dataset("bfloat16").Float32s()
	require.NoError(t, err)
	assert.Equal(t, float32(1.5), brain[0])
	assert.Equal(t, float32(-0.25), brain[1])

	for name, want := range map[string][]int64{
		"int8": {-128, 0, 1, 127}, "int16": {-32768, 0, 1, 32767}, "int32": {math.MinInt32, 0, 1, math.MaxInt32},
		"int64": {math.MinInt64, 0, 1, math.MaxInt64}, "uint8": {0, 0, 1, 255}, "uint16": {0, 0, 1, 65535}, "uint32": {0, 0, 1, math.MaxUint32},
	} {
		got, err := root.Dataset("numbers/" + name).Int64s()
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	_, err = root.Dataset("numbers/uint64").Int64s()
	assert.ErrorContains(t, err, "above the largest int64")
	_, err = root.Dataset("numbers/uint64").Float32s()
	assert.Error(t, err)
	_, err = root.Dataset("numbers/int64").Float64s()
	assert.ErrorContains(t, err, "which no float64 equals")
	_, err = root.Dataset("numbers/uint32").Float32s()
	assert.ErrorContains(t, err, "which no float32 equals")
	small, err := root.Dataset("numbers/int16").Float32s()
	require.NoError(t, err)
	assert.Equal(t, []float32{-32768, 0, 1, 32767}, small)
}

func TestNaNStaysNaN(t *testing.T) {
	assert.True(t, math.IsNaN(float64(float16ToFloat32(0x7e01))))
	assert.Equal(t, float32(math.Inf(-1)), float16ToFloat32(0xfc00))
}

func TestStringsConvert(t *testing.T) {
	root := numbers(t)
	s, err := root.Dataset("text/fixed").Strings()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "abc", ""}, s)
	one, err := root.Dataset("text/one").ScalarString()
	require.NoError(t, err)
	assert.Equal(t, "just one", one)
	_, err = root.Dataset("text/variable").ScalarString()
	assert.ErrorContains(t, err, "want one string")
	_, err = root.Dataset("text/one").Float32s()
	assert.ErrorContains(t, err, "want numbers, have variable-length string")
	_, err = root.Dataset("text/one").Int64s()
	assert.ErrorContains(t, err, "want integers")
	_, err = root.Dataset("numbers/int8").ScalarString()
	assert.ErrorContains(t, err, "want strings, have int8")

	spaces := Value{Type: Type{Class: FixedString, Size: 3, Padding: SpacePad}, Shape: []int{1}, Data: []byte("a  ")}
	ends := Value{Type: Type{Class: FixedString, Size: 3}, Shape: []int{1}, Data: []byte("a\x00b")}
	for _, v := range []Value{spaces, ends} {
		s, err := v.ScalarString()
		require.NoError(t, err)
		assert.Equal(t, "a", s)
	}
}

func TestTree(t *testing.T) {
	var root Group
	d := &Dataset{Value: Float32Values([]float32{1, 2}, 2)}
	require.NoError(t, root.Put("a/b/c", d))
	assert.Same(t, d, root.Dataset("/a/b/c"))
	assert.Nil(t, root.Dataset("a/b"))
	assert.Nil(t, root.Dataset("a/b/c/d"))
	assert.NotNil(t, root.Group("a/b"))
	assert.Nil(t, root.Group("a/x"))
	assert.Same(t, &root, root.Group("/"))
	assert.ErrorContains(t, root.Put("a/b/c", d), "exists already")
	assert.ErrorContains(t, root.Put("a/b/c/d", d), `"c" is a dataset`)
	assert.ErrorContains(t, root.Put("a/", d), "does not name a dataset")
	require.NoError(t, root.Put("b", d))
	var paths []string
	require.NoError(t, root.Walk(func(path string, _ *Dataset) error { paths = append(paths, path); return nil }))
	assert.Equal(t, []string{"a/b/c", "b"}, paths)
	assert.ErrorIs(t, root.Walk(func(string, *Dataset) error { return io.EOF }), io.EOF)
	root.Remove("a")
	assert.Equal(t, []string{"b"}, root.Names())

	root.Attrs.Set("x", StringScalar("1", true))
	root.Attrs.Set("x", StringScalar("2", true))
	require.Len(t, root.Attrs, 1)
	s, _ := root.Attrs.Get("x").ScalarString()
	assert.Equal(t, "2", s)
	assert.Nil(t, root.Attrs.Get("y"))
}

// What cannot be written is an error before the first byte.
func TestWriteRefuses(t *testing.T) {
	one := Float32Values([]float32{1}, 1)
	withAttr := func(name string, v Value) *Dataset { return &Dataset{Value: one, Attrs: Attrs{{name, v}}} }
	for name, c := range map[string]struct {
		d    *Dataset
		want string
	}{
		"shape":        {&Dataset{Value: Float32Values([]float32{1}, 2)}, "wants 2 elements, there are 4 bytes"},
		"bytes":        {&Dataset{Value: Value{Type: Float32, Shape: []int{1}, Data: make([]byte, 5)}}, "there are 5 bytes"},
		"negative":     {&Dataset{Value: Float32Values(nil, -1)}, "impossible shape [-1]"},
		"overflow":     {&Dataset{Value: Float32Values(nil, math.MaxInt, 3)}, "impossible shape"},
		"rank":         {&Dataset{Value: Float32Values([]float32{1}, make([]int, 33)...)}, "33 dimensions, at most 32"},
		"type":         {&Dataset{Value: Value{Type: Type{Class: Float, Size: 3}}}, "is not a type"},
		"class":        {&Dataset{Value: Value{Type: Type{Class: 6, Size: 3}}}, "class 6"},
		"text":         {&Dataset{Value: Value{Type: Type{Class: VarString, Size: 16}, Shape: []int{2}, Text: []string{"a"}}}, "wants 2 strings, there are 1"},
		"attr shape":   {withAttr("a", Float32Values([]float32{1}, 2)), `attribute "a" of /x`},
		"attr name":    {withAttr("", one), "not a name"},
		"attr zero":    {withAttr("a\x00", one), "not a name"},
		"attr text":    {withAttr("a", StringScalar("a\x00b", true)), "holds a zero byte"},
		"dataset text": {&Dataset{Value: StringScalar("a\x00b", true)}, "holds a zero byte"},
		"attr size":    {withAttr("a", FixedStrings([]string{strings.Repeat("x", 65500)})), "the format allows 65528; split it"},
		"attr twice":   {&Dataset{Value: one, Attrs: Attrs{{"a", one}, {"a", one}}}, "given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			var root Group
			require.NoError(t, root.Put("x", c.d))
			var out strings.Builder
			assert.ErrorContains(t, Write(&out, &root), c.want)
			assert.Zero(t, out.Len())
		})
	}
	for _, name := range []string{".", "a\x00"} {
		var root Group
		require.NoError(t, root.Put("g/"+name, &Dataset{Value: one}))
		assert.ErrorContains(t, Write(io.Discard, &root), "is not a name")
	}
	var crowded Group
	for k := range 70000 {
		crowded.Attrs = append(crowded.Attrs, Attr{"a", StringScalar(string(rune('a'+k%26)), true)})
	}
	assert.Error(t, Write(io.Discard, &crowded))
}

func TestTypesHaveNames(t *testing.T) {
	assert.Equal(t, "int8", Int8.String())
	assert.Equal(t, "uint64", Uint64.String())
	assert.Equal(t, "class 7", Type{Class: 7}.String())
}
